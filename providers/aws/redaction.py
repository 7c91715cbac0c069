"""Taking secrets out of what AWS and its SDK say."""

from __future__ import annotations

import re
from collections.abc import Iterable

from providers.calling import redaction
from providers.mysql.endpoint import Secret

_MASK = "***"
# With these words AWS repeats the request that it was sent, and with it a temporary key's token.
_REPEATED = re.compile(
    r"((?:The Canonical String|The String-to-Sign) (?:for this request )?should have been).*", re.DOTALL
)
_NAMED = re.compile(
    r"((?:X-Amz-(?:Security-Token|Signature|Credential)|Signature|Credential|aws_secret_access_key|aws_session_token"
    r"|SecretAccessKey|SessionToken|MasterUserPassword)\"?\s*(?:=|:|%3D)\s*\"?)[^\s,&\"']+",
    re.IGNORECASE,
)
_KEY_ID = re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{12,124}\b")


def redact(text: str, secrets: Iterable[Secret] = ()) -> str:
    """`text` without these secrets, nor what looks like others, nor control characters."""
    text = _REPEATED.sub(rf"\1 {_MASK}", redaction.redact(text, secrets))
    text = _NAMED.sub(rf"\1{_MASK}", text)
    return _KEY_ID.sub(_MASK, text)
