"""Servers as Alibaba Cloud runs them: its own account may do everything, the customer's what the cloud lets it do."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path

import pymysql

from providers.mysql.endpoint import Account, Endpoint, Secret
from providers.sandbox import passwords
from providers.sandbox.aliyun_api.state import system_accounts
from providers.sandbox.api.versions import version_of
from providers.sandbox.catalogue import Engine
from providers.sandbox.launcher import SandboxServer, ServerFailed, connect
from providers.sandbox.options import Positioning

# ApsaraDB RDS for MySQL, "Account permissions": the whole of what a privileged account has.
PRIVILEGED = (
    "ALTER", "ALTER ROUTINE", "CREATE", "CREATE VIEW", "CREATE ROUTINE", "CREATE USER", "CREATE TEMPORARY TABLES",
    "DELETE", "DROP", "EVENT", "EXECUTE", "INDEX", "INSERT", "LOCK TABLES", "PROCESS", "RELOAD", "REFERENCES",
    "REPLICATION SLAVE", "REPLICATION CLIENT", "SELECT", "SHOW VIEW", "TRIGGER", "UPDATE",
)  # fmt: skip
# The same page's neighbour, "System accounts": the local account's sessions come from this address.
_OWN_HOST = "127.0.0.1"
# The cloud lets a customer without SUPER create triggers while the binary log is on.
_OPTIONS = {"loose_log_bin_trust_function_creators": "1"}


class CloudServer(SandboxServer):
    """A server whose `endpoint` is the cloud's own; the sandbox's administrator is the customer's own."""

    def __init__(
        self,
        engine: Engine,
        run_dir: Path,
        *,
        name: str,
        positioning: Positioning = Positioning.GTID,
        options: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(engine, run_dir, name=name, positioning=positioning, options={**_OPTIONS, **(options or {})})
        own, _ = system_accounts(version_of(engine))
        self._own = Account(own, Secret(secrets.token_urlsafe(18)))

    def endpoint(self, account: Account | None = None) -> Endpoint:
        """Where the server is; by default with the cloud's own account."""
        return super().endpoint(account or self._own)

    def start(self) -> None:
        """Start the server, with the accounts as the cloud has them; raises as a plain server's."""
        with self._changing:
            super().start()
            try:
                self._settle()
            except pymysql.err.Error as error:
                raise ServerFailed(f"{self.name} did not get the cloud's accounts ({error.args}).") from error

    def _settle(self) -> None:
        """Make the accounts what they are in the cloud, on data of the template or of a server killed half-way here."""
        customer = passwords.load().administrator
        try:
            hosts = self._unsettled(customer.user)
        except pymysql.err.OperationalError:
            self._run(self.endpoint(customer), *self._creation())
            hosts = self._unsettled(customer.user)
        monitor = self.engine.family == "mariadb" and self.engine.at_least(10, 5)
        granted = ", ".join((*PRIVILEGED, "SLAVE MONITOR") if monitor else PRIVILEGED)
        for host in hosts:
            self._run(
                self.endpoint(),
                f"REVOKE ALL PRIVILEGES, GRANT OPTION FROM '{customer.user}'@'{host}'",
                f"GRANT {granted} ON *.* TO '{customer.user}'@'{host}' WITH GRANT OPTION",
            )

    def _creation(self) -> tuple[str, ...]:
        """Statements that make the cloud's own account, whole or half there already; its password needs no quoting."""
        own, identified = f"'{self._own.user}'@'{_OWN_HOST}'", f"IDENTIFIED BY '{self._own.password.reveal()}'"
        if self.engine.family == "mysql" and not self.engine.at_least(5, 7):
            return (f"GRANT ALL ON *.* TO {own} {identified} WITH GRANT OPTION",)
        return f"CREATE USER IF NOT EXISTS {own} {identified}", f"GRANT ALL ON *.* TO {own} WITH GRANT OPTION"

    def _unsettled(self, customer: str) -> Sequence[str]:
        """The hosts at which the customer's account has not its rights yet, as the cloud's own account sees it."""
        session = connect(self.endpoint())
        try:
            with session.cursor() as cursor:
                wrong = "(super_priv = 'Y' OR select_priv = 'N')"
                cursor.execute(f"SELECT host FROM mysql.user WHERE user = %s AND {wrong}", (customer,))
                return [str(host) for (host,) in cursor.fetchall()]
        finally:
            session.close()

    def _run(self, endpoint: Endpoint, *statements: str) -> None:
        session = connect(endpoint)
        try:
            with session.cursor() as cursor:
                for statement in ("SET SESSION sql_log_bin = 0", *statements):
                    cursor.execute(statement)
        finally:
            session.close()
