"""Giving a server of a simulated cloud what another one has."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from providers.mysql import replication, seed
from providers.mysql.endpoint import Account
from providers.mysql.position import FilePosition
from providers.mysql.server import Server
from providers.sandbox.api.sessions import opened
from providers.sandbox.launcher import SandboxServer

_RUNNING_S = 15.0
_QUOTING = re.compile(r"[\"'`\\]")
# A server's own accounts must not be overwritten.
_OWN_ACCOUNTS = ("mysql", "mariadb", "root")


@dataclass(frozen=True)
class Filled:
    """A server that has another's content, follows nobody and is closed to clients' writes.

    `start` is from where it would follow by file; None: it goes by GTIDs.
    """

    source: Server
    target: Server
    start: FilePosition | None

    def release(self) -> None:
        """Let it take writes."""
        self.target.change(self.target.dialect.unfence)

    def follow(self, account: Account) -> None:
        """Let it follow its source, closed to writes.

        Raises:
            ServerError: a server refuses something, or it does not come to run.
        """
        replication.configure(self.target, replication.plan_channel(self.target, self.source, account, self.start))
        replication.start(self.target)
        replication.wait_running(self.target, _RUNNING_S)
        self.target.change(self.target.dialect.fence)


@contextlib.contextmanager
def filled(
    source: SandboxServer, target: SandboxServer, platform: tuple[str, ...] = (), *, by_file: bool
) -> Iterator[Filled]:
    """Start a server and give it the source's accounts and databases as of now.

    `platform` are accounts of the cloud itself, which every server has of its own.

    Raises:
        ServerError, ServerFailed, EngineMissing: a server does not start, or refuses something.
    """
    target.start()
    with opened(source) as old, opened(target) as new:
        new.change(new.dialect.fence_clients)
        # A copy that failed before has left something.
        replication.forget(new)
        seed.drop_databases(new, new.databases())
        if not by_file:
            replication.empty_log(new)
        _copy_accounts(old, new, (*_OWN_ACCOUNTS, *platform))
        position = seed.fill(old, new, old.databases(), by_file, lambda _: None, lambda: False).position
        replication.set_start(new, position)
        yield Filled(old, new, position if isinstance(position, FilePosition) else None)


def _copy_accounts(source: Server, target: Server, kept: tuple[str, ...]) -> None:
    """Create the accounts that only the source has, as the source itself writes them down.

    Not on MySQL 8.0 and later, whose login methods are others. Nor those whose names hold a quote: servers before 8.0
    write them down in a way that is no statement, or another one.
    """
    if target.version.mysql_from(8, 0):
        return
    listed = "SELECT user, host FROM mysql.user"
    # Before 5.7 the grants hold the password's hash as well.
    whole = source.version.mariadb or source.version.mysql_from(5, 7)
    shows = ("SHOW CREATE USER", "SHOW GRANTS FOR") if whole else ("SHOW GRANTS FOR",)
    have = set(target.rows(listed))
    session = target.connect()
    try:
        session.run("SET SESSION sql_log_bin = 0")
        for user, host in source.rows(listed):
            own = str(user).split(".")[0] in kept
            if (user, host) in have or own or _QUOTING.search(f"{user}{host}"):
                continue
            for show in shows:
                for (statement,) in source.rows(f"{show} %s@%s", (user, host)):
                    session.run(str(statement), shown=f"{show} '{user}'@'{host}' of {source.name}")
    finally:
        session.close()
