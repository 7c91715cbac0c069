"""The key of an account with a simulated cloud."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from providers.mysql.endpoint import Secret


@dataclass(frozen=True)
class AccessKey:
    """What calls are signed with."""

    id: str
    secret: Secret = field(repr=False)

    def as_json(self) -> dict[str, str]:
        """The fields, the secret in clear."""
        return {"id": self.id, "secret": self.secret.reveal()}

    @staticmethod
    def from_json(content: Mapping[str, str]) -> AccessKey:
        """The reverse of `as_json`."""
        return AccessKey(content["id"], Secret(content["secret"]))
