"""Where a server is and how to log in to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True)
class Secret:
    """A password that never shows itself: `repr`, `str` and f-strings give `***`.

    The value is read through `reveal()`, so every place that needs it can be found by that name.
    """

    _value: str = field(repr=False)

    def reveal(self) -> str:
        """The secret itself, for a login or a statement that is never logged."""
        return self._value

    def __str__(self) -> str:
        return "***"

    def __repr__(self) -> str:
        return "Secret(***)"


class TlsMode(StrEnum):
    """How a connection is protected; the names are those of the MySQL clients' `--ssl-mode`."""

    DISABLED = "disabled"
    PREFERRED = "preferred"
    REQUIRED = "required"
    VERIFY_CA = "verify_ca"
    VERIFY_IDENTITY = "verify_identity"


@dataclass(frozen=True)
class Account:
    """A server account: user name and password."""

    user: str
    password: Secret


@dataclass(frozen=True)
class Endpoint:
    """One server's address and the account used on it.

    `name` is what the operator calls the server; it is shown on screens and typed to confirm.
    """

    name: str
    host: str
    port: int
    account: Account
    tls: TlsMode = TlsMode.PREFERRED
    ca_file: str | None = None

    @property
    def address(self) -> str:
        """`host:port`, as shown in errors and on screens."""
        return f"{self.host}:{self.port}"
