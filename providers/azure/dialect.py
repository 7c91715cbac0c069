"""The words of a Single or Flexible Server to its administrator, who has no SUPER: see `providers.azure.datain`."""

from __future__ import annotations

from dataclasses import dataclass

from providers.azure import datain
from providers.mysql.channel import Channel, Statement
from providers.mysql.dialect import Managed
from providers.mysql.version import Version


@dataclass(frozen=True)
class AzureDialect(Managed):
    """What the service does by its procedures."""

    @property
    def change_source(self) -> str:
        """See `Dialect`: the procedure's name."""
        return f"CALL mysql.{datain.CHANGE}"

    @property
    def start_replica(self) -> str:
        """See `Dialect`."""
        return f"CALL mysql.{datain.START}"

    @property
    def stop_replica(self) -> str:
        """See `Dialect`."""
        return f"CALL mysql.{datain.STOP}"

    @property
    def reset_replica(self) -> str:
        """See `Dialect`."""
        return f"CALL mysql.{datain.REMOVE}"

    @property
    def kill(self) -> str:
        """See `Dialect`; "az_kill" on the service's page of its stored procedures."""
        return f"CALL mysql.{datain.KILL}(%s)"

    def follow(self, channel: Channel) -> Statement:
        """See `Dialect`. Over TLS only with the certificate of the source's authority, which the service wants."""
        ca = channel.ca if channel.encrypted else ""
        wanted = datain.Following(channel.host, channel.port, channel.account, channel.start, ca)
        return Statement(datain.follow_sql(wanted), (), datain.shown(wanted))


def dialect(version: Version) -> AzureDialect:
    """The words of a server of this version."""
    return AzureDialect(version)
