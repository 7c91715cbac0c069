"""`cutover watch --web`: an observer's view in a browser of this machine.

Each browser that connects gets a process of its own, which shows one migration and can decide nothing. Only this
machine is served, under an address that nobody can guess: other logins of it may not know it.
"""

from __future__ import annotations

import ipaddress
import logging
import re
import secrets
import shlex
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp_jinja2 import setup
from jinja2 import FunctionLoader
from textual_serve.server import Server

_MOST = 8
_FROM_ELSEWHERE = re.compile(r'<(?:link|script)\b[^>]*"https?://[^>]*>')
_SHUTDOWN_S = 2.0
_LOCAL = "localhost"
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; font-src 'self'; "
        "img-src 'self' data:; connect-src 'self' ws:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}

Say = Callable[[str], None]


class BadAddress(Exception):
    """An address that is not one of this machine alone, or cannot be listened at; one sentence."""


def listen(address: str) -> socket.socket:
    """Listen at `HOST[:PORT]`; without a port, or with 0, at a free one.

    Raises:
        BadAddress: it is not a loopback address, or is in use.
    """
    host, port = _parts(address)
    if not _is_loopback(host):
        raise BadAddress(
            f"{host} is not this machine alone: give 127.0.0.1, ::1 or localhost, and let others come through "
            "`ssh -L PORT:127.0.0.1:PORT`."
        )
    host = "127.0.0.1" if host == _LOCAL else host
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    opened = socket.socket(family, socket.SOCK_STREAM)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind((host, port))
        opened.listen()
    except OSError as error:
        opened.close()
        raise BadAddress(f"{address} cannot be listened at ({error.strerror}); name another port.") from error
    return opened


def _parts(address: str) -> tuple[str, int]:
    if address.count(":") > 1 and not address.startswith("["):
        return address, 0
    try:
        found = urlsplit(f"//{address}")
        return found.hostname or "", found.port or 0
    except ValueError as error:
        raise BadAddress(f"{address!r} is no address: HOST or HOST:PORT.") from error


def _is_loopback(host: str) -> bool:
    if host == _LOCAL:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def serve(opened: socket.socket, journal: Path, say: Say, *arguments: str) -> None:
    """Serve a migration's screens until INT or TERM comes. `arguments`: for each screen."""
    # What goes wrong in there is no line of ours, and may hold names.
    logging.getLogger("textual-serve").disabled = True
    logging.getLogger("aiohttp.server").disabled = True
    observed = _Observed(opened, journal, say, arguments)
    web.run_app(observed.application(), sock=opened, print=None, access_log=None, shutdown_timeout=_SHUTDOWN_S)


class _Observed(Server):
    """The page, what it loads, and the connection of each browser, all below a secret path."""

    def __init__(self, opened: socket.socket, journal: Path, say: Say, arguments: tuple[str, ...]) -> None:
        host, port = opened.getsockname()[:2]
        base = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        # Not from the directory one stands in: anything may lie there.
        words = [sys.executable, "-P", "-m", "tui.web_screen", str(journal.absolute()), *arguments]
        super().__init__(f"exec {shlex.join(words)}", host, port, title="cutover", public_url=base)
        self._say = say
        self._token = secrets.token_urlsafe(24)
        self._screens = 0

    async def application(self) -> web.Application:
        """Everything that is served; outside of the secret path there is nothing."""
        app = web.Application(middlewares=[_guard])
        page = await self._make_app()
        setup(page, loader=FunctionLoader(self._template))
        app.add_subapp(f"/{self._token}/", page)
        app.on_response_prepare.append(_add_headers)
        return app

    def _template(self, name: str) -> str:
        """A page of the library without what it would load from elsewhere."""
        text = (Path(self.templates_path) / name).read_text()
        return _FROM_ELSEWHERE.sub("", text)

    async def on_startup(self, app: web.Application) -> None:
        """Say where it is."""
        self._say(f"{self.public_url}/{self._token}/")
        self._say("Whoever has this address on this machine sees the migration and changes nothing. Ctrl+C ends it.")

    async def handle_websocket(self, request: web.Request) -> web.WebSocketResponse:
        """One browser: a process of its own."""
        if self._screens >= _MOST:
            raise web.HTTPServiceUnavailable(text=f"{_MOST} browsers look already.")
        self._screens += 1
        try:
            return await super().handle_websocket(request)
        finally:
            self._screens -= 1


@web.middleware
async def _guard(request: web.Request, handler: Any) -> web.StreamResponse:
    """Only from a page of ours, under a name of this machine: a web page elsewhere can make a browser ask, too."""
    name = urlsplit(f"//{request.host}").hostname or ""
    origin = request.headers.get("Origin")
    if not _is_loopback(name) or (origin is not None and origin != f"http://{request.host}"):
        raise web.HTTPForbidden(text="Only for this machine.")
    answer: web.StreamResponse = await handler(request)
    return answer


async def _add_headers(request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(_HEADERS)
