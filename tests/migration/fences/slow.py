"""A client that stops in the middle of logging in."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Self

import pymysql

from providers.mysql.endpoint import Account, Endpoint

_PLUGINS = ("mysql_native_password", "caching_sha2_password")
_SOON_S = 10.0


class Slow(pymysql.Connection):  # type: ignore[type-arg]
    """Logs in, but does not answer the server's last question until the `with` statement ends.

    `id` is its session's number on the server, `outcome` what became of it.
    """

    def __init__(self, endpoint: Endpoint, account: Account) -> None:
        self.outcome: Exception | None = None
        self._asked, self._goes_on = threading.Event(), threading.Event()
        super().__init__(
            host=endpoint.host,
            port=endpoint.port,
            user=account.user,
            password=account.password.reveal(),
            auth_plugin_map=dict.fromkeys(_PLUGINS, lambda _: self),
            defer_connect=True,
        )
        self._logs_in = threading.Thread(target=self._log_in)

    def __enter__(self) -> Self:
        self._logs_in.start()
        assert self._asked.wait(_SOON_S), self.outcome
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._goes_on.set()
        self._logs_in.join()

    @property
    def id(self) -> int:
        return int(self.server_thread_id[0])

    def _log_in(self) -> None:
        try:
            self.connect()
        except pymysql.err.MySQLError as error:
            self.outcome = error

    def _get_server_information(self) -> None:
        super()._get_server_information()
        # The server then asks for the account's own plugin, and waits for the answer.
        self._auth_plugin_name = "none_of_its"

    def authenticate(self, _packet: object) -> object:
        self._asked.set()
        self._goes_on.wait()
        raise pymysql.err.OperationalError(0, "gave up")
