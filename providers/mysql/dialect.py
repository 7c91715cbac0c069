"""The words of each server version, and nothing else: what a statement is called where.

Sources: MySQL Reference Manual 5.6 to 9.x, "Replication Statements" and "What Is New"; MariaDB Server
documentation, "Replication Commands". The switches at 8.0.22, 8.0.23, 8.0.26, 8.2 and 8.4 are the manual's.
"""

from __future__ import annotations

from dataclasses import dataclass

from providers.mysql.channel import Channel, Statement, change_source
from providers.mysql.version import Version


@dataclass(frozen=True)
class Dialect:
    """How to say things to a server of one version. Methods give SQL text; `%s` marks arguments."""

    version: Version

    @property
    def replica_word(self) -> str:
        """`REPLICA` since MySQL 8.0.22 (and for all MariaDB 10.5+), `SLAVE` before."""
        return "REPLICA" if self.version.mysql_from(8, 0, 22) or self.version.mariadb_from(10, 5, 1) else "SLAVE"

    @property
    def source_word(self) -> str:
        """The prefix of replication options: `SOURCE_` since MySQL 8.0.23, `MASTER_` elsewhere."""
        return "SOURCE" if self.version.mysql_from(8, 0, 23) else "MASTER"

    @property
    def replica_status(self) -> str:
        """One row about the channel to the source; no row where there is none."""
        return f"SHOW {self.replica_word} STATUS"

    @property
    def source_status(self) -> str:
        """The newest place in the binary log; no row where it is off."""
        if self.version.mysql_from(8, 2, 0):
            return "SHOW BINARY LOG STATUS"
        return "SHOW MASTER STATUS"

    @property
    def change_source(self) -> str:
        """The head of the statement that configures a channel."""
        return "CHANGE REPLICATION SOURCE TO" if self.version.mysql_from(8, 0, 23) else "CHANGE MASTER TO"

    def follow(self, channel: Channel) -> Statement:
        """Configure a channel."""
        return change_source(self.version, self.change_source, self.source_word, channel)

    @property
    def sets_globals(self) -> bool:
        """Whether an administrator sets global variables by SQL; where not, the provider has its own way."""
        return True

    @property
    def kill(self) -> str:
        """End another account's session: the argument is its number."""
        return "KILL %s"

    @property
    def start_replica(self) -> str:
        """Start both threads of the channel."""
        return f"START {self.replica_word}"

    @property
    def stop_replica(self) -> str:
        """Stop both threads of the channel."""
        return f"STOP {self.replica_word}"

    @property
    def reset_replica(self) -> str:
        """Forget the channel for good."""
        return f"RESET {self.replica_word} ALL"

    @property
    def reset_binary_log(self) -> str:
        """Empty the binary log and the set of executed GTIDs."""
        return "RESET BINARY LOGS AND GTIDS" if self.version.mysql_from(8, 2, 0) else "RESET MASTER"

    @property
    def has_super_read_only(self) -> bool:
        """Whether administrators can be kept from writing, too (MySQL 5.7.8)."""
        return self.version.mysql_from(5, 7, 8)

    @property
    def fence(self) -> str:
        """Stop client writes; where the server can, those of administrators too."""
        return "SET GLOBAL super_read_only = ON" if self.has_super_read_only else "SET GLOBAL read_only = ON"

    @property
    def fence_clients(self) -> str:
        """Stop client writes only; administrators can write on, or again."""
        if self.has_super_read_only:
            return "SET GLOBAL read_only = ON, GLOBAL super_read_only = OFF"
        return "SET GLOBAL read_only = ON"

    @property
    def unfence(self) -> str:
        """Let clients write again; clears super_read_only with it (MySQL manual, super_read_only)."""
        return "SET GLOBAL read_only = OFF"

    @property
    def read_only_state(self) -> str:
        """One row: read_only, super_read_only (0 where there is none)."""
        if self.has_super_read_only:
            return "SELECT @@GLOBAL.read_only, @@GLOBAL.super_read_only"
        return "SELECT @@GLOBAL.read_only, 0"

    @property
    def persist_read_only(self) -> str | None:
        """Keep read_only over a restart; None where only the configuration file can (before MySQL 8.0)."""
        return "SET PERSIST super_read_only = ON" if self.version.mysql_from(8, 0, 11) else None

    @property
    def persist_read_only_for_restart(self) -> str | None:
        """The same for the next start only: the server goes on taking writes until then (MySQL 8.0, PERSIST_ONLY)."""
        return "SET PERSIST_ONLY super_read_only = ON" if self.version.mysql_from(8, 0, 11) else None

    @property
    def forget_persisted_read_only(self) -> tuple[str, ...]:
        """Take `persist_read_only` back; it persists read_only along with super_read_only."""
        if self.version.mysql_from(8, 0, 11):
            return ("RESET PERSIST IF EXISTS super_read_only", "RESET PERSIST IF EXISTS read_only")
        return ()

    @property
    def gtid_position(self) -> str:
        """Everything this server has, whether its own or replicated."""
        return "SELECT @@GLOBAL.gtid_current_pos" if self.version.mariadb else "SELECT @@GLOBAL.gtid_executed"

    @property
    def gtid_end(self) -> str:
        """Where the binary log ends, as a replica would have to reach it."""
        return "SELECT @@GLOBAL.gtid_binlog_pos" if self.version.mariadb else "SELECT @@GLOBAL.gtid_executed"

    @property
    def wait_gtid(self) -> str:
        """Wait on the server: arguments are the position and the bound in seconds."""
        if self.version.mariadb:
            return "SELECT MASTER_GTID_WAIT(%s, %s)"
        if self.version.mysql_from(5, 7, 5):
            return "SELECT WAIT_FOR_EXECUTED_GTID_SET(%s, %s)"
        return "SELECT WAIT_UNTIL_SQL_THREAD_AFTER_GTIDS(%s, %s)"

    @property
    def wait_file(self) -> str:
        """Wait on the server: arguments are file, offset and the bound in seconds."""
        word = "SOURCE_POS_WAIT" if self.version.mysql_from(8, 0, 26) else "MASTER_POS_WAIT"
        return f"SELECT {word}(%s, %s, %s)"

    @property
    def checkpoint_period(self) -> str | None:
        """The variable that bounds how late a multi-threaded applier tells its position, in ms."""
        if self.version.mysql_from(8, 0, 26):
            return "replica_checkpoint_period"
        return "slave_checkpoint_period" if self.version.mysql_from(5, 6, 3) else None

    @property
    def has_gtid(self) -> bool:
        """Whether the server knows GTIDs at all (they may still be off)."""
        return self.version.mysql_from(5, 6, 5) or self.version.mariadb_from(10, 0, 2)

    @property
    def updates_logged(self) -> str:
        """The variable that says whether replicated changes enter the replica's own binary log."""
        return "log_replica_updates" if self.version.mysql_from(8, 0, 26) else "log_slave_updates"


@dataclass(frozen=True)
class Managed(Dialect):
    """A server whose provider keeps SUPER to itself: read_only and what survives a restart are the provider's."""

    @property
    def sets_globals(self) -> bool:
        """See `Dialect`."""
        return False

    @property
    def persist_read_only(self) -> str | None:
        """See `Dialect`."""
        return None

    @property
    def persist_read_only_for_restart(self) -> str | None:
        """See `Dialect`."""
        return None

    @property
    def forget_persisted_read_only(self) -> tuple[str, ...]:
        """See `Dialect`."""
        return ()
