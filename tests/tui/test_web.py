"""`cutover watch --web`: real HTTP, a real websocket, and a browser where there is one."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pyte
import pytest
from conftest import decisions
from tui_stories import Clock, Teller

from migration import terminals
from tests.support.ended import gone
from tui import web

CUTOVER = str(Path(sys.executable).with_name("cutover"))
BROWSER = shutil.which("chromium-headless-shell") or shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture
def teller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Teller]:
    monkeypatch.setenv("CUTOVER_STATE", str(tmp_path / "state"))
    made = Teller(Clock(), "m1")
    made.plan()
    yield made
    made.close()


@dataclass
class Served:
    process: subprocess.Popen[str]
    url: str

    @property
    def root(self) -> str:
        return "/".join(self.url.split("/")[:3])

    def screens(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)


@contextlib.contextmanager
def serving(*arguments: str) -> Iterator[Served]:
    process = subprocess.Popen([CUTOVER, "watch", "m1", "--web", *arguments], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield Served(process, process.stdout.readline().strip())
    finally:
        process.kill()
        process.wait()


class Terminal:
    """What bytes for a terminal show there."""

    def __init__(self, width: int, height: int) -> None:
        self._screen = pyte.Screen(width, height)
        self._stream = pyte.ByteStream(self._screen)

    def feed(self, data: bytes) -> None:
        self._stream.feed(data)

    @property
    def text(self) -> str:
        return "\n".join(self._screen.display)


class Page:
    """What a browser does with the connection: it keeps a terminal of what comes."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, width: int, height: int) -> None:
        self._socket = socket
        self._terminal = Terminal(width, height)

    @property
    def text(self) -> str:
        return self._terminal.text

    async def until(self, pattern: str) -> None:
        async with asyncio.timeout(20):
            while not re.search(pattern, self.text):
                message = await self._socket.receive()
                assert message.type is aiohttp.WSMsgType.BINARY, message
                self._terminal.feed(message.data)

    async def press(self, *keys: str) -> None:
        for key in keys:
            await self._socket.send_str(json.dumps(["stdin", key]))


@contextlib.asynccontextmanager
async def page(served: Served, width: int = 80, height: int = 24) -> AsyncIterator[Page]:
    url = f"{served.url.replace('http', 'ws', 1)}ws?width={width}&height={height}"
    async with aiohttp.ClientSession() as session, session.ws_connect(url, origin=served.root) as opened:
        yield Page(opened, width, height)


async def holds(condition: Callable[[], Awaitable[object]], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 - another process has no event to wait for
            await asyncio.sleep(0.03)


async def all_gone(processes: list[psutil.Process]) -> None:
    async def ended() -> bool:
        return all(map(gone, processes))

    await holds(ended)


async def test_a_browser_sees_the_migration_and_decides_nothing(teller):
    with serving() as served:
        async with page(served) as shown:
            await shown.until("OBSERVER: you see everything and change nothing")
            await shown.until("orders-db")
            # None of them can do anything here: approve, the seat, the screen as text on a terminal.
            await shown.press("A", "O", "\x1bOQ", "?")
            await shown.until("Keys here")
            screens = served.screens()
            assert screens
            # Whoever looks through a browser cannot be given the seat.
            assert terminals.present(teller.path) == ()
        await all_gone(screens)
    assert decisions(teller.path) == []


async def test_in_presenter_mode_the_browser_gets_aliases(teller):
    with serving("--presenter") as served:
        async with page(served, 120, 36) as shown:
            await shown.until("PRESENTER")
            await shown.until("host-1")
            assert "orders" not in shown.text


@pytest.mark.parametrize("end", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.long), signal.SIGKILL])
async def test_with_the_server_all_its_screens_end(teller, end):
    with serving() as served:
        async with page(served) as shown:
            await shown.until("OBSERVER")
            screens = served.screens()
            served.process.send_signal(end)
            await all_gone(screens)
        assert served.process.wait(10) == (-end if end is signal.SIGKILL else 0)


async def test_what_is_not_asked_from_its_own_page_on_this_machine_is_refused(teller):
    with serving() as served:
        host = served.root.removeprefix("http://")
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/[\w-]{32}/", served.url)
        async with aiohttp.ClientSession() as session:

            async def asked(url: str, **headers: str) -> int:
                async with session.get(url, headers=headers) as answer:
                    text = await answer.text()
                    if answer.status == 200 and url == served.url:
                        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
                        assert answer.headers["Referrer-Policy"] == "no-referrer"
                        assert f"ws://{host}/" in text
                    return answer.status

            assert await asked(served.url) == 200
            assert await asked(f"{served.url}static/js/textual.js") == 200
            for elsewhere in ("/", "/ws", "/static/js/textual.js", "/x/", "/x/ws"):
                assert await asked(served.root + elsewhere) == 404
            # A name of somebody's domain that leads here, and a page of somebody's domain that asks here.
            assert await asked(served.url, Host="evil.example") == 403
            for origin in ("http://evil.example", "null", "http://127.0.0.1:1"):
                with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                    await session.ws_connect(f"ws://{host}/{served.url.split('/')[3]}/ws", origin=origin)
                assert refused.value.status == 403
        assert served.screens() == []


@pytest.mark.parametrize("address", ["0.0.0.0", "0.0.0.0:8000", "192.0.2.1", "::", "[::]:80", "example.org", "", ":80"])
def test_only_this_machine_can_be_served(address):
    with pytest.raises(web.BadAddress, match="is not this machine alone"):
        web.listen(address)


def test_a_port_that_is_taken_or_none_is_said(teller):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        answer = subprocess.run(
            [CUTOVER, "watch", "m1", "--web", "--listen", address], capture_output=True, text=True, timeout=30
        )
    assert answer.returncode == 2
    assert answer.stderr == f"cutover: {address} cannot be listened at (Address already in use); name another port.\n"
    with pytest.raises(web.BadAddress, match="is no address"):
        web.listen("127.0.0.1:99999")
    with web.listen("localhost") as opened:
        assert opened.getsockname()[0] == "127.0.0.1"


class Devtools:
    """A browser's own connection for tools."""

    def __init__(self, opened: aiohttp.ClientWebSocketResponse) -> None:
        self._opened = opened
        self._number = 0
        self._terminal = Terminal(300, 100)
        self.asked: list[str] = []

    async def call(self, method: str, **parameters: object) -> dict[str, object]:
        self._number += 1
        await self._opened.send_json({"id": self._number, "method": method, "params": parameters})
        while True:
            message = await self._opened.receive_json(timeout=20)
            self._note(message)
            if message.get("id") == self._number:
                found: dict[str, object] = message["result"]
                return found

    def _note(self, message: dict[str, Any]) -> None:
        match message.get("method"):
            case "Network.requestWillBeSent":
                self.asked.append(message["params"]["request"]["url"])
            case "Network.webSocketFrameReceived":
                frame = message["params"]["response"]
                if frame["opcode"] == aiohttp.WSMsgType.BINARY:
                    self._terminal.feed(base64.b64decode(frame["payloadData"]))

    async def came(self, text: str) -> bool:
        """Whether the page has been sent this text for its terminal."""
        await self.says("0")
        return text in self._terminal.text

    async def click(self) -> None:
        for what in ("mousePressed", "mouseReleased"):
            await self.call("Input.dispatchMouseEvent", type=what, x=200, y=200, button="left", clickCount=1)

    async def says(self, expression: str) -> object:
        answer = await self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        result = answer["result"]
        assert isinstance(result, dict)
        return result.get("value")

    async def picture(self) -> bytes:
        data = (await self.call("Page.captureScreenshot"))["data"]
        return base64.b64decode(str(data))

    async def changed(self, before: bytes) -> bool:
        return await self.picture() != before


@contextlib.asynccontextmanager
async def browser(profile: Path) -> AsyncIterator[Devtools]:
    assert BROWSER is not None
    process = subprocess.Popen(  # noqa: ASYNC220 - it takes no time
        [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--window-size=1280,900", f"--user-data-dir={profile}",
         "--remote-debugging-port=0", "about:blank"],
        stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    assert process.stderr is not None
    try:
        port = next(found[1] for line in process.stderr if (found := re.search(r"ws://127\.0\.0\.1:(\d+)/", line)))
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://127.0.0.1:{port}/json") as answer:
                tab = next(one for one in await answer.json() if one["type"] == "page")
            async with session.ws_connect(tab["webSocketDebuggerUrl"], max_msg_size=0) as opened:
                yield Devtools(opened)
    finally:
        # What is started may be a script around the browser.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.mark.skipif(BROWSER is None, reason="there is no Chromium on this machine: apt-get install chromium")
async def test_a_real_browser_draws_it_and_asks_nobody_else(teller, tmp_path):
    with serving() as served:
        async with browser(tmp_path / "profile") as tools:
            await tools.call("Network.enable")
            await tools.call("Page.enable")
            await tools.call("Page.navigate", url=served.url)
            await holds(lambda: tools.came("OBSERVER"))
            before = await tools.picture()
            await tools.click()
            await tools.call("Input.dispatchKeyEvent", type="char", text="?")
            await holds(lambda: tools.came("Keys here"))
            await holds(lambda: tools.changed(before))
            assert await tools.says("document.querySelectorAll('canvas, .xterm-rows').length")
            assert f"{served.url}static/js/textual.js" in tools.asked
            elsewhere = [one for one in tools.asked if not one.startswith((served.root, "data:", "about:"))]
            assert elsewhere == []
    assert decisions(teller.path) == []
