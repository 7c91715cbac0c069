"""The clients: one on each server that tries to write all the time, whether the server takes writes or not.

In a process of its own (`python -m tests.campaigns.faults.clients`), spoken to in lines of JSON: the first holds
`ports`, `user` and `password`; then `begin` with the first number, and `end`, which is answered with every try.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pymysql

from providers.mysql.endpoint import Account
from providers.sandbox.spawner import spawn
from providers.sandbox.supervisor import module_environment
from tests.campaigns.faults.bench import TABLE

EVERY_S = 0.002
STEP = 10_000_000
_AGAIN_S = 0.02
_ANSWER_S = 30.0
READ_ONLY = (1290, 1836, 1792)
_LOST = (0, 2003, 2006, 2013, 2014, 2055, 1053, 1927)


@dataclass(frozen=True)
class Try:
    """One try to write a row. `where`: 0 source, 1 target. `code`: 0 acknowledged, 1290 refused by the fence, -1 lost.

    `began` and `ended` in monotonic seconds. `saw`: at the first write after a refusal, the newest number of the other
    client that this server had right after it; 0 at every other try.
    """

    number: int
    where: int
    began: float
    ended: float
    code: int
    saw: int = 0


class _Client:
    def __init__(self, order: dict[str, Any], where: int) -> None:
        self._order = order
        self._where = where
        self._session: Any = None
        self.tries: list[tuple[int, int, float, float, int, int]] = []
        self.number: int | None = None
        self.first = 0
        self._refused = False
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while True:
            number = self.number
            if number is None:
                time.sleep(EVERY_S)
                continue
            began = time.monotonic()
            code = self._write(number)
            if code is not None:
                ended, saw = time.monotonic(), self._newest_of_other() if code == 0 and self._refused else 0
                self._refused = code != 0
                self.tries.append((number, self._where, began, ended, code, saw))
            if self.number is not None:
                self.number += 2
            time.sleep(EVERY_S if code is not None and code >= 0 else _AGAIN_S)

    def _write(self, number: int) -> int | None:
        """How it went; None where nothing was sent."""
        try:
            if self._session is None:
                self._session = pymysql.connect(
                    host="127.0.0.1", port=self._order["ports"][self._where], user=self._order["user"],
                    password=self._order["password"], autocommit=True, charset="utf8mb4",
                    collation="utf8mb4_general_ci", connect_timeout=2, read_timeout=20,
                )  # fmt: skip
        except (pymysql.err.MySQLError, OSError):
            return None
        try:
            with self._session.cursor() as cursor:
                cursor.execute(f"INSERT INTO {TABLE} VALUES ({number})")
        except (pymysql.err.MySQLError, OSError) as error:
            code = error.args[0] if isinstance(error, pymysql.err.MySQLError) else 0
            if code not in _LOST:
                return int(code)
            self._session = None
            return -1
        return 0

    def _newest_of_other(self) -> int:
        try:
            with self._session.cursor() as cursor:
                cursor.execute(f"SELECT MAX(n) FROM {TABLE} WHERE n BETWEEN %s AND %s AND n %% 2 <> %s", self._range())
                return int(cursor.fetchone()[0] or 0)
        except (pymysql.err.MySQLError, OSError):
            self._session = None
            return 0

    def _range(self) -> tuple[int, int, int]:
        return self.first, self.first + STEP, (self.first + self._where) % 2


def main() -> None:
    """The process of the clients."""
    order = json.loads(sys.stdin.readline())
    clients = [_Client(order, where) for where in (0, 1)]
    for line in sys.stdin:
        command = json.loads(line)
        if "begin" in command:
            for where, client in enumerate(clients):
                client.tries = []
                client.first = int(command["begin"])
                client.number = int(command["begin"]) + where
        else:
            for client in clients:
                client.number = None
            sys.stdout.write(json.dumps([one for client in clients for one in client.tries]) + "\n")
            sys.stdout.flush()


class Clients:
    """The clients, seen from the campaign."""

    def __init__(self, ports: tuple[int, int], account: Account, run_dir: Path) -> None:
        with (run_dir / "clients.log").open("ab") as log:
            self._process: subprocess.Popen[bytes] = spawn(
                [sys.executable, "-m", "tests.campaigns.faults.clients"],
                cwd=Path("/"), output=log, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                environment=module_environment(),
            )  # fmt: skip
        self._number = 0
        self._tell({"ports": ports, "user": account.user, "password": account.password.reveal()})

    def begin(self) -> None:
        """Write from now on, and forget what was before."""
        self._number += STEP
        self._tell({"begin": self._number})

    def end(self) -> list[Try]:
        """Stop writing, and every try since `begin`, in the order of their ends."""
        self._tell({"end": True})
        assert self._process.stdout is not None
        tries = [Try(*one) for one in json.loads(self._process.stdout.readline())]
        # A write of an earlier run may have ended in this one.
        return sorted((one for one in tries if one.number >= self._number), key=lambda one: one.ended)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()

    def _tell(self, command: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command).encode() + b"\n")
        self._process.stdin.flush()


if __name__ == "__main__":
    main()
