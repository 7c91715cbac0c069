"""An access key of Alibaba Cloud, and what gives one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from providers.mysql.endpoint import Secret


@dataclass(frozen=True)
class Credentials:
    """An access key, with the token of a temporary one.

    Attributes:
        source: where it was found, as it may be shown.
        expires: when a temporary one ends, if its source says so.
    """

    access_key_id: Secret
    access_key_secret: Secret
    security_token: Secret | None
    source: str
    expires: datetime | None = None

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """What is never shown."""
        token = (self.security_token,) if self.security_token else ()
        return (self.access_key_id, self.access_key_secret, *token)


# Called before every request, so that temporary keys are renewed while a migration runs for days.
CredentialSource = Callable[[], Credentials]


def from_texts(key: str, secret: str, token: str | None, source: str, expires: datetime | None = None) -> Credentials:
    """Credentials of plain texts; an empty token is none."""
    return Credentials(Secret(key), Secret(secret), Secret(token) if token else None, source, expires)
