"""The words of an RDS instance to its master user, who has no SUPER: see `providers.aws.procedures`."""

from __future__ import annotations

from dataclasses import dataclass

from providers.aws import procedures
from providers.mysql.channel import Channel, Statement
from providers.mysql.dialect import Managed
from providers.mysql.endpoint import Account, Secret
from providers.mysql.version import Version


@dataclass(frozen=True)
class RdsDialect(Managed):
    """What RDS does by its procedures. A MariaDB can be told a place in files only."""

    @property
    def change_source(self) -> str:
        """See `Dialect`: the procedure's name."""
        upstream = procedures.Upstream("", 0, Account("", Secret("")), encrypted=False)
        return procedures.follow_from(self.version, upstream, "", 0).statement.partition("(")[0]

    @property
    def start_replica(self) -> str:
        """See `Dialect`."""
        return procedures.start().statement

    @property
    def stop_replica(self) -> str:
        """See `Dialect`."""
        return procedures.stop().statement

    @property
    def reset_replica(self) -> str:
        """See `Dialect`."""
        return procedures.forget_source(self.version).statement

    @property
    def kill(self) -> str:
        """See `Dialect`."""
        return procedures.kill(0).statement

    def follow(self, channel: Channel) -> Statement:
        """See `Dialect`.

        Raises:
            NoSuchProcedure: this version follows by file and position only.
        """
        upstream = procedures.Upstream(channel.host, channel.port, channel.account, channel.encrypted)
        if channel.start is None:
            call = procedures.follow_by_gtid(self.version, upstream)
        else:
            call = procedures.follow_from(self.version, upstream, channel.start.file, channel.start.offset)
        return Statement(call.statement, tuple(str(v) if v is None else v for v in call.values), call.shown())


def dialect(version: Version) -> RdsDialect:
    """The words of an instance of this version."""
    return RdsDialect(version)
