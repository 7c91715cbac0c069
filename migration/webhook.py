"""One call of a web address, in a process of its own: so that it can be ended at its limit, whatever it waits for.

Started as `python -m migration.webhook` with `{"url", "body", "limit_s"}` as JSON on standard input: a URL can hold a
secret, and a command line can be read by everybody. Ends with 0 after an answer of 2xx. Anything else is said in one
line on standard error, without the URL.
"""

from __future__ import annotations

import base64
import http.client
import json
import re
import sys
from urllib.parse import SplitResult, unquote, urlsplit

_HEAD = 4096
_SEPARATORS = re.compile(r"[/?&=;:]")
# Shorter parts are words such as `v1` and `hook`.
_MAY_BE_SECRET = 5


def _said(url: str, body: str, limit_s: float) -> str:
    """Post the body and return what is wrong with the answer; empty for a good one."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    headers = {"Content-Type": "application/json", "User-Agent": "mysql-cutover", "Connection": "close"}
    if parts.username is not None:
        login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["Authorization"] = "Basic " + base64.b64encode(login.encode()).decode()
    connection = kind(parts.hostname or "", parts.port, timeout=limit_s)
    try:
        place = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", place, body.encode(), headers)
        answer = connection.getresponse()
        if 200 <= answer.status < 300:
            return ""
        lines = answer.read(_HEAD).decode(errors="replace").split("\n")
        words = next((line.strip() for line in lines if line.strip()), answer.reason)
        return f"it answered {answer.status}: {_masked(words, parts)}"
    except OSError as error:
        return f"it cannot be reached ({error.strerror or type(error).__name__})"
    except (http.client.HTTPException, ValueError) as error:
        # Some of them show the URL in their text; a host that is no name is a ValueError.
        return f"it does not speak HTTP ({type(error).__name__})"
    finally:
        connection.close()


def _masked(words: str, url: SplitResult) -> str:
    """An answer may repeat what it was asked for, and any part of a URL behind its host can be a secret."""
    whole = (url.path, url.query, url.username or "", url.password or "")
    parts = {part for text in whole for raw in _SEPARATORS.split(text) for part in (raw, unquote(raw))}
    for part in sorted(parts, key=len, reverse=True):
        if len(part) >= _MAY_BE_SECRET:
            words = words.replace(part, "***")
    return words


def main() -> int:
    """Make the call that standard input asks for."""
    asked = json.load(sys.stdin)
    said = _said(asked["url"], asked["body"], float(asked["limit_s"]))
    # One line, whatever the other side put into it.
    sys.stderr.buffer.write(" ".join(said.split()).encode(errors="replace"))
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main())
