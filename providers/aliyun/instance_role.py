"""Temporary keys of the RAM role of the ECS instance that this runs on.

Source: Alibaba Cloud, "Instance metadata" and "Attach an instance RAM role to an ECS instance".
"""

from __future__ import annotations

import http.client
import json
import threading
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from providers.aliyun.credentials import Credentials, from_texts
from providers.aliyun.errors import CredentialsMissing
from providers.calling.answer import Answer

METADATA = ("100.100.100.200", 80)
_ROLES = "/latest/meta-data/ram/security-credentials/"
_TIMEOUT_S = 2.0
_TOKEN_S = "300"  # noqa: S105
# Keys are renewed this long before they end; the service has the next ones well before.
_EARLY = timedelta(minutes=5)


class InstanceRole:
    """A source of credentials: asks the metadata service, and asks again before the keys expire.

    Safe to be used by several threads.
    """

    def __init__(self, role: str = "") -> None:
        """Without a `role` the instance's own, of which there is at most one."""
        self._role = role
        self._lock = threading.Lock()
        self._held: Credentials | None = None

    def __call__(self) -> Credentials:
        """The keys of now.

        Raises:
            CredentialsMissing: this is no ECS instance, it has no role, or the service does not answer.
        """
        with self._lock:
            now = datetime.now(UTC)
            held = self._held
            if held and held.expires and now < held.expires - _EARLY:
                return held
            try:
                self._held = self._fetch()
            except CredentialsMissing:
                if not (held and held.expires and now < held.expires):
                    raise
            assert self._held is not None
            return self._held

    def _fetch(self) -> Credentials:
        role = self._role or self._get(_ROLES).strip().partition("\n")[0]
        try:
            content = json.loads(self._get(_ROLES + quote(role, safe="")))
        except ValueError:
            content = None
        answer = Answer(content if isinstance(content, dict) else {})
        key, secret, token = (answer.text(n) for n in ("AccessKeyId", "AccessKeySecret", "SecurityToken"))
        if answer.text("Code") != "Success" or not (key and secret and token):
            raise CredentialsMissing(f"The metadata service has no keys for the instance role {role!r}.")
        return from_texts(key, secret, token, f"instance role {role}", answer.time("Expiration"))

    def _get(self, path: str) -> str:
        try:
            token = self._ask("PUT", "/latest/api/token", {"X-aliyun-ecs-metadata-token-ttl-seconds": _TOKEN_S})
            headers = {"X-aliyun-ecs-metadata-token": token} if token else {}
            text = self._ask("GET", path, headers)
        except (OSError, http.client.HTTPException) as error:
            raise CredentialsMissing(
                f"The metadata service of ECS cannot be asked for an instance role ({type(error).__name__})."
            ) from None
        if text is None:
            raise CredentialsMissing("The metadata service of ECS names no such instance role.")
        return text

    def _ask(self, method: str, path: str, headers: dict[str, str]) -> str | None:
        """The answer's text, or None for a status other than 200: older services know no tokens."""
        connection = http.client.HTTPConnection(*METADATA, timeout=_TIMEOUT_S)
        try:
            connection.request(method, path, headers=headers)
            answer = connection.getresponse()
            text = answer.read(65_536).decode("utf-8", "replace")
            return text if answer.status == 200 else None
        finally:
            connection.close()
