"""Taking secrets out of texts that are shown, logged or journaled, whichever cloud they are of."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

from providers.mysql.endpoint import Secret

_MASK = "***"
_NAMES = (
    "AccessKeyId|AccessKeySecret|access_key_id|access_key_secret|SecurityToken|sts_token|Signature|SignatureNonce"
    "|ShardPassword|Password"
)
# A query string, as it is, percent-encoded, and encoded once more inside a string to sign.
_PAIR = re.compile(
    rf"({_NAMES})(=|%3D|%253D)(?:'[^']*'|\"[^\"]*\"|(?:(?!&|%26|%2526)[^\s'\"])*)",
    re.IGNORECASE,
)
_JSON = re.compile(rf"(\"(?:{_NAMES})\"\s*:\s*)\"(?:[^\"\\]|\\.)*\"")
# The provider repeats everything that it was sent, also the body.
_STRING_TO_SIGN = re.compile(r"(string to sign is:).*", re.DOTALL)


def redact(text: str, secrets: Iterable[Secret] = ()) -> str:
    """`text` without these secrets in any of the ways in which a request encodes them, nor what looks like others.

    Control characters are taken out, too: the text may come from a server and be printed on a terminal.
    """
    for form in sorted(_forms(secrets), key=len, reverse=True):
        text = text.replace(form, _MASK)
    text = _STRING_TO_SIGN.sub(rf"\1{_MASK}", text)
    text = _JSON.sub(rf'\1"{_MASK}"', text)
    text = _PAIR.sub(rf"\1\2{_MASK}", text)
    return "".join(char if char.isprintable() else " " for char in text)


def _forms(secrets: Iterable[Secret]) -> set[str]:
    plain = {value for secret in secrets if (value := secret.reveal())}
    encoded = {encode(value) for value in plain for encode in (quote_plus, _pct)}
    return plain | encoded | {_pct(value) for value in encoded}


def _pct(value: str) -> str:
    return quote(value, safe="~")
