"""What an answer of Resource Manager says: a content that can be read, or how it failed."""

from __future__ import annotations

import json

from providers.azure.errors import Failure
from providers.azure.sdk import Lost, Sent
from providers.calling.answer import Answer

_BRIEF = 80


def read(sent: Sent) -> Answer | Failure:
    """The JSON object of an answer, an empty one where it has no content; else what went wrong."""
    if not 200 <= sent.status < 300:
        return failure(sent)
    if not sent.content.strip():
        return Answer({})
    content = _object(sent.content)
    if content is None:
        return _foreign(sent)
    return Answer(content)


def failure(sent: Sent) -> Failure:
    """How an answer with an error status failed.

    The error is below `error` or stands alone; a task that is missing is answered without any content.
    """
    content = _object(sent.content)
    if content is None and sent.content.strip():
        return _foreign(sent)
    error = Answer(content or {}).part("error") or Answer(content or {})
    return Failure(
        _words(error) or "No words",
        error.text("code") or error.text("Code") or "",
        sent.status,
        request_id(sent),
        _seconds(sent),
    )


def lost(what: Lost) -> Failure:
    """The failure of a request without an answer."""
    return Failure(what.words.strip(" .") or "No answer came")


def request_id(sent: Sent) -> str | None:
    """What the provider calls the request."""
    return sent.headers.get("x-ms-request-id") or sent.headers.get("x-ms-correlation-request-id")


def _words(error: Answer) -> str:
    """The message, with those of the details that say more."""
    words = [error.text("message") or error.text("Message") or ""]
    for detail in error.parts("details") or ():
        message = detail.text("message")
        if message and message not in words[0]:
            words.append(f"{detail.text('code') or 'detail'}: {message}")
    return "; ".join(word.strip(" .") for word in words if word.strip())


def _foreign(sent: Sent) -> Failure:
    words = f"The answer is no JSON object: {sent.content[:_BRIEF].decode('utf-8', 'replace')!r}"
    return Failure(words, "", sent.status, request_id(sent), _seconds(sent), foreign=True)


def _object(content: bytes) -> dict[str, object] | None:
    try:
        found = json.loads(content)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _seconds(sent: Sent) -> float | None:
    given = sent.headers.get("retry-after", "")
    return float(given) if given.isdecimal() and len(given) < 6 else None
