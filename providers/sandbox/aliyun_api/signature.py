"""Checking that a call was signed by the account, once and just now.

Alibaba Cloud, "RPC signature": HMAC-SHA1 over the sorted, percent-encoded parameters of query and form body.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import hmac
import threading
from collections.abc import Callable, Mapping
from urllib.parse import quote

from providers.sandbox.aliyun_api.refusals import missing
from providers.sandbox.api.keys import AccessKey
from providers.sandbox.api.refusals import Refused

_VALID_S = 15 * 60.0
_ALWAYS = ("Action", "Version", "AccessKeyId", "Signature", "SignatureMethod", "SignatureNonce", "Timestamp")


def string_to_sign(method: str, parameters: Mapping[str, str]) -> str:
    """What the signature is made over."""
    canonical = "&".join(
        f"{_encoded(key)}={_encoded(value)}" for key, value in sorted(parameters.items()) if key != "Signature"
    )
    return f"{method}&%2F&{_encoded(canonical)}"


def sign(secret: str, method: str, parameters: Mapping[str, str]) -> str:
    """The signature, in base64."""
    # The algorithm is Alibaba Cloud's choice.
    digest = hmac.new(f"{secret}&".encode(), string_to_sign(method, parameters).encode(), hashlib.sha1)
    return base64.b64encode(digest.digest()).decode()


class Verifier:
    """Lets signed calls through, each once, not older than 15 minutes by `now` (seconds since 1970)."""

    def __init__(self, key: AccessKey, now: Callable[[], float]) -> None:
        self._key = key
        self._now = now
        self._lock = threading.Lock()
        self._seen: dict[str, float] = {}

    def check(self, method: str, parameters: Mapping[str, str]) -> None:
        """Let the call pass.

        Raises:
            Refused: it was not signed with this key, not now, or was sent before.
        """
        for name in _ALWAYS:
            if name not in parameters:
                raise missing(name)
        if parameters["AccessKeyId"] != self._key.id:
            raise Refused(404, "InvalidAccessKeyId.NotFound", "Specified access key is not found.")
        if parameters["SignatureMethod"] != "HMAC-SHA1":
            raise Refused(400, "InvalidParameter", "The specified parameter SignatureMethod is not valid.")
        self._check_time(parameters["Timestamp"])
        expected = sign(self._key.secret.reveal(), method, parameters)
        if not hmac.compare_digest(expected, parameters["Signature"]):
            raise Refused(
                400,
                "SignatureDoesNotMatch",
                "Specified signature is not matched with our calculation. server string to sign is:"
                + string_to_sign(method, parameters),
            )
        self._check_nonce(parameters["SignatureNonce"])

    def _check_time(self, text: str) -> None:
        try:
            moment = datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=datetime.UTC)
        except ValueError as error:
            raise Refused(
                400, "InvalidTimeStamp.Format", "Specified time stamp or date value is not well formatted."
            ) from error
        if abs(self._now() - moment.timestamp()) > _VALID_S:
            raise Refused(400, "InvalidTimeStamp.Expired", "Specified time stamp or date value is expired.")

    def _check_nonce(self, nonce: str) -> None:
        now = self._now()
        with self._lock:
            self._seen = {one: at for one, at in self._seen.items() if now - at <= 2 * _VALID_S}
            if nonce in self._seen:
                raise Refused(400, "SignatureNonceUsed", "Specified signature nonce was used already.")
            self._seen[nonce] = now


def _encoded(text: str) -> str:
    return quote(text, safe="-_.~")
