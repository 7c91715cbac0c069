"""What a bridge is told when it starts, as one line of JSON on its standard input, so that no secret is seen."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from providers.mysql.endpoint import Account, Endpoint, Secret, TlsMode


class BadOrders(ValueError):
    """The orders cannot be carried out; the sentence says what is wrong with them."""


class Lifetime(StrEnum):
    """How long a bridge lives.

    STARTER: until its standard input ends, with the process that started it. OWN: until it is told to end by
    SIGTERM, as the way back is wanted for longer than any one process lives.
    """

    STARTER = "starter"
    OWN = "own"


@dataclass(frozen=True)
class Orders:
    """What a bridge has to do.

    `new` is the new server with the account for replication; a replica logs in to the bridge with the same
    account. `host` and `port` are where the bridge listens, port 0 for a free one. `collations` are the numbers
    to replace and what by. `lock` is a file that at most one bridge holds, and that says where it listens.
    `as_long_as` is a path with which the bridge ends, too: a rehearsal's directory, that nothing is left behind.
    """

    new: Endpoint
    collations: Mapping[int, int]
    lock: Path
    host: str = "127.0.0.1"
    port: int = 0
    lifetime: Lifetime = Lifetime.OWN
    as_long_as: Path | None = None

    def line(self) -> str:
        """The orders with the password in clear, for a bridge's standard input and nothing else."""
        new = self.new
        content = {
            "new": {
                "name": new.name,
                "host": new.host,
                "port": new.port,
                "user": new.account.user,
                "password": new.account.password.reveal(),
                "tls": new.tls.value,
                "ca_file": new.ca_file,
            },
            "collations": {str(old): by for old, by in self.collations.items()},
            "lock": str(self.lock),
            "host": self.host,
            "port": self.port,
            "lifetime": self.lifetime.value,
            "as_long_as": None if self.as_long_as is None else str(self.as_long_as),
        }
        return json.dumps(content) + "\n"


def read_orders(line: str) -> Orders:
    """Orders from a line of JSON; whatever has a default in `Orders` or `Endpoint` may be left out.

    Raises:
        BadOrders: something is missing or cannot be; nothing of the line is quoted, as it holds a password.
    """
    try:
        content: dict[str, Any] = json.loads(line)
        new = content["new"]
        account = Account(str(new["user"]), Secret(str(new["password"])))
        tls, ca_file = TlsMode(new.get("tls", "preferred")), new.get("ca_file")
        orders = Orders(
            Endpoint(str(new.get("name", "the new server")), str(new["host"]), int(new["port"]), account, tls, ca_file),
            {_collation(old): _collation(by) for old, by in content["collations"].items()},
            Path(content["lock"]),
            str(content.get("host", "127.0.0.1")),
            int(content.get("port", 0)),
            Lifetime(content.get("lifetime", Lifetime.OWN)),
            Path(content["as_long_as"]) if content.get("as_long_as") else None,
        )
    except KeyError as error:
        raise BadOrders(f"The bridge's orders lack {error}; give it in the line of JSON.") from None
    except (ValueError, TypeError, AttributeError):
        raise BadOrders("The bridge's orders are not the line of JSON that docs/bridge.md shows.") from None
    if not account.user or not account.password.reveal():
        raise BadOrders("The bridge's account has no name or no password; anybody could log in: give it a password.")
    return orders


def _collation(number: object) -> int:
    value = int(str(number))
    if not 0 < value < 1 << 16:
        raise ValueError
    return value
