"""What the app is started for, and what it hands to the command line's functions.

The functions block and run in threads of their own; they may raise `RehearsalFailed` or
`ConnectFailed`, whose message is shown as it stands.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from migration.model import Side
from providers.mysql.endpoint import Secret as Secret
from providers.mysql.endpoint import TlsMode as TlsMode


class RehearsalFailed(Exception):
    """The rehearsal could not be started; the message says what happened and what to do."""


class ConnectFailed(Exception):
    """The servers could not be asked or the migration not be made; the message says what to do."""


@dataclass(frozen=True)
class SideForm:
    """What the operator entered for one server. `port` is in 1..65535."""

    name: str
    host: str
    port: int
    user: str
    password: Secret
    replication_user: str
    replication_password: Secret
    tls: TlsMode = TlsMode.PREFERRED


@dataclass(frozen=True)
class ConnectForm:
    """What the operator entered for a new migration. `migration` becomes its id."""

    migration: str
    environment: str
    source: SideForm
    target: SideForm


@dataclass(frozen=True)
class ProbeLine:
    """One line of a connection test: `word` is OK, FAIL, UNKNOWN or `-` (not reached)."""

    side: Side
    word: str
    text: str


@dataclass(frozen=True)
class OpenMigration:
    """Open one migration. `welcome_back`: first tell what happened meanwhile."""

    journal: Path
    welcome_back: bool


@dataclass(frozen=True)
class OpenRehearsal:
    """Start a rehearsal. `begin` reports sentences through its argument and returns the journal."""

    begin: Callable[[Callable[[str], None]], Path]


@dataclass(frozen=True)
class OpenConnect:
    """Ask for two servers. `probe` tests both and changes nothing; `create` makes and starts the migration."""

    create: Callable[[ConnectForm], Path]
    probe: Callable[[ConnectForm], tuple[ProbeLine, ...]]


@dataclass(frozen=True)
class OpenSessions:
    """List the migrations of this machine. `connect` and `rehearsal` are what new ones are made with."""

    connect: OpenConnect | None = None
    rehearsal: OpenRehearsal | None = None


Start = OpenSessions | OpenMigration | OpenRehearsal | OpenConnect
