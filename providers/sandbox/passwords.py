"""The passwords of the sandbox's accounts: one set for all prepared data directories of this user."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from providers.mysql.endpoint import Account, Secret
from providers.sandbox.paths import exclusive, templates_dir

ADMINISTRATOR = "cutover"
REPLICATION = "repl"
APPLICATION = "app"
OLD_REPLICATION = "repl_old"
_USERS = (ADMINISTRATOR, REPLICATION, APPLICATION)


@dataclass(frozen=True)
class Passwords:
    """The accounts that exist on every server of the sandbox.

    Both servers of a pair have the same ones, as they must: an account table is part of what is copied.
    `old_replication` exists on MySQL 8.0 and later only and has no password: a MySQL 5.6 replica knows no
    login method of such a server that takes one without TLS. It may replicate and nothing else, and is
    accepted from 127.0.0.1 only.
    """

    administrator: Account
    replication: Account
    application: Account
    old_replication: Account
    fingerprint: str


def load() -> Passwords:
    """The user's set, made with random passwords when there is none yet; the file is mode 0600."""
    path = templates_dir() / "passwords.json"
    with exclusive(templates_dir() / ".passwords.lock"):
        if not path.exists():
            _write(path, {user: secrets.token_urlsafe(18) for user in _USERS} | {"fingerprint": secrets.token_hex(6)})
        content = json.loads(path.read_text())
    accounts = {user: Account(user, Secret(str(content[user]))) for user in _USERS}
    return Passwords(
        accounts[ADMINISTRATOR],
        accounts[REPLICATION],
        accounts[APPLICATION],
        Account(OLD_REPLICATION, Secret("")),
        str(content["fingerprint"]),
    )


def _write(path: Path, content: dict[str, str]) -> None:
    unfinished = path.with_suffix(".new")
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as handle:
        json.dump(content, handle)
    unfinished.rename(path)
