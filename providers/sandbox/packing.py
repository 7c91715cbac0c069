"""Accounts as JSON between the processes of a sandbox, passwords in clear: for pipes and private sockets only."""

from __future__ import annotations

from collections.abc import Mapping

from providers.mysql.endpoint import Account, Secret


def account_as_json(account: Account) -> dict[str, str]:
    """Name and password."""
    return {"user": account.user, "password": account.password.reveal()}


def account_from_json(content: Mapping[str, str]) -> Account:
    """The reverse of `account_as_json`."""
    return Account(content["user"], Secret(content["password"]))
