"""Taking secrets, and the addresses of operations, out of texts that are shown, logged or journaled."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable

from providers.calling import redaction
from providers.mysql.endpoint import Secret

_MASK = "***"
_JSON = re.compile(r"(\"\w*(?:password|secret|token|accountkey)\w*\"\s*:\s*)\"(?:[^\"\\]|\\.)*\"", re.IGNORECASE)
_BEARER = re.compile(r"(bearer\s+)[\w.~+/=-]+", re.IGNORECASE)
_TOKEN = re.compile(r"eyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*)?")
# Kilobytes of it are what lets the bearer of an operation's address follow it.
_QUERY = re.compile(r"((?:https?://|/subscriptions/)[^\s\"'?<>]*\?)[^\s\"'<>]+")


def redact(text: str, secrets: Iterable[Secret] = ()) -> str:
    """`text` without these secrets, nor what looks like others, nor the queries of addresses."""
    text = redaction.redact(text, secrets)
    text = _JSON.sub(rf'\1"{_MASK}"', text)
    text = _BEARER.sub(rf"\1{_MASK}", text)
    text = _TOKEN.sub(_MASK, text)
    return _QUERY.sub(rf"\1{_MASK}", text)


class _WithoutQueries(logging.Filter):
    """Keeps the queries of addresses out of a log, at whatever level it is read."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = redact(record.getMessage()), None
        return True


def guard_log(name: str) -> None:
    """Have everything that is logged under this very name redacted, once."""
    log = logging.getLogger(name)
    if not any(isinstance(one, _WithoutQueries) for one in log.filters):
        log.addFilter(_WithoutQueries())
