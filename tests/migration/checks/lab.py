"""A pair of real servers as the checks see it, and putting them into a state and back."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from migration.check import Check, Finding, Pair
from migration.checks.run import run_check
from migration.model import Limits, MigrationSpec, Positioning, Secrets, ServerSpec
from providers.mysql.connection import Connection
from providers.mysql.endpoint import Account, Secret
from providers.mysql.position import FilePosition
from providers.mysql.server import Server
from providers.sandbox import passwords
from tests.support.pairs import Two
from tests.support.waiting import until

SHOP = (
    "CREATE DATABASE shop CHARACTER SET utf8mb4",
    "CREATE TABLE shop.orders (id INT PRIMARY KEY, note VARCHAR(80)) ENGINE=InnoDB",
    "INSERT INTO shop.orders VALUES (1, 'one'), (2, 'two')",
)


@dataclass(frozen=True)
class Lab:
    two: Two
    pair: Pair

    @property
    def source(self) -> Server:
        return self.pair.source

    @property
    def target(self) -> Server:
        return self.pair.target

    def find(self, check: Check, **changed: object) -> Finding:
        """Run a check, with some fields of the migration's spec changed."""
        spec = replace(self.pair.spec, **changed) if changed else self.pair.spec  # type: ignore[arg-type]
        return run_check(replace(self.pair, spec=spec), check)

    def word(self, check: Check, **changed: object) -> str:
        return self.find(check, **changed).word

    def find_until(self, word: str, check: Check, limits: Limits | None = None) -> Finding:
        """The finding, once it has this word; asked slowly enough for InnoDB to make its lists anew."""
        changed = {"limits": limits or self.pair.spec.limits}

        def ask() -> Finding | None:
            finding = self.find(check, **changed)
            return finding if finding.word == word else None

        return until(ask, f"{check.id} is {word}", every=0.2)

    def fixed_and_back(self, check: Check) -> None:
        """The finding's fix makes the check pass, and its undo makes it fail again."""
        before = self.find(check).result
        (fix,) = before.fixes
        server = self.source if fix.side.value == "source" else self.target
        assert server.variable(fix.setting) == fix.was
        server.change(fix.statement)
        assert server.variable(fix.setting) == fix.becomes
        assert self.word(check) == "OK"
        server.change(fix.undo)
        assert self.find(check).result == before

    def replication_users(self, source: str | None = None, target: str | None = None) -> dict[str, ServerSpec]:
        """The `changed` of `find` that gives other replication accounts."""
        spec = self.pair.spec
        return {
            "source": replace(spec.source, replication_user=source or spec.source.replication_user),
            "target": replace(spec.target, replication_user=target or spec.target.replication_user),
        }

    def with_secrets(self, **changed: Secret) -> Lab:
        return replace(self, pair=replace(self.pair, secrets=replace(self.pair.secrets, **changed)))


def make_lab(two: Two) -> Lab:
    """The pair with the sandbox's accounts, as a rehearsal would describe it."""
    accounts = passwords.load()
    old = not two.source.version.mariadb and not two.source.version.mysql_from(5, 7)
    back = accounts.old_replication if old and two.target.version.mysql_from(8, 0) else accounts.replication
    forward = accounts.replication

    def spec(server: Server, user: str) -> ServerSpec:
        endpoint = server.endpoint
        return ServerSpec(server.name, endpoint.host, endpoint.port, endpoint.account.user, user)

    password = accounts.administrator.password
    return Lab(
        two,
        Pair(
            two.source,
            two.target,
            MigrationSpec(
                "one", "mysql_replication", "rehearsal", spec(two.source, forward.user), spec(two.target, back.user)
            ),
            Secrets(password, password, forward.password, back.password),
            Positioning.FILE if two.kind is FilePosition else Positioning.GTID,
        ),
    )


@contextlib.contextmanager
def setting(server: Server, name: str, value: str) -> Iterator[None]:
    """A global variable set for a while."""
    before = server.variable(name)
    assert before is not None
    server.change(f"SET GLOBAL {name} = {value}")
    try:
        yield
    finally:
        number = re.fullmatch(r"[0-9]+(\.0+)?", before)
        back = before.partition(".")[0] if number else f"'{before}'"
        server.change(f"SET GLOBAL {name} = {back}")


@contextlib.contextmanager
def made(server: Server, *statements: str, undo: str) -> Iterator[None]:
    """Statements run, and taken back afterwards."""
    try:
        for statement in statements:
            server.change(statement)
        yield
    finally:
        server.change(undo)


@contextlib.contextmanager
def account(
    server: Server, user: str, *grants: str, host: str = "%", password: str = "pw-of-a-test"
) -> Iterator[Account]:
    """An account for a while; `grants` are what stands between GRANT and TO."""
    name = f"'{user}'@'{host}'"
    create = f"CREATE USER {name} IDENTIFIED BY '{password}'"
    with made(server, create, *(f"GRANT {grant} TO {name}" for grant in grants), undo=f"DROP USER {name}"):
        yield Account(user, Secret(password))


@contextlib.contextmanager
def session(server: Server, account: Account | None = None) -> Iterator[Connection]:
    """A client's session."""
    endpoint = replace(server.endpoint, account=account) if account else server.endpoint
    with contextlib.closing(Connection(endpoint)) as connection:
        yield connection


def state(server: Server) -> dict[str, object]:
    """What a check might have changed on a server."""
    moving = ("timestamp", "rand_seed1", "rand_seed2", "pseudo_thread_id", "error_count", "warning_count")
    return {
        "variables": [row for row in server.rows("SHOW GLOBAL VARIABLES") if row[0] not in moving],
        "log": server.end_of_log(),
        "gtid": server.gtid_executed(),
        "channel": [
            {key: value for key, value in row.items() if "Seconds" not in key}
            for row in server.named(server.dialect.replica_status)
        ],
        "databases": server.databases(),
        "accounts": sorted(server.rows("SELECT user, host FROM mysql.user")),
    }
