"""What can go wrong with a server: a few exceptions that say what happened, where, and what to do."""

from __future__ import annotations


class ServerError(Exception):
    """Base of everything below. `server` is the operator's name for it; `code` the server's own, 0 if none."""

    def __init__(self, server: str, message: str, code: int = 0) -> None:
        super().__init__(message)
        self.server = server
        self.code = code


class Unreachable(ServerError):
    """No connection could be made: name, network, port, TLS, or nobody speaks MySQL there."""


class AccessDenied(ServerError):
    """The server refused the account."""


class WrongServer(ServerError):
    """Another server answers at the address than the one that was there before."""


class ConnectionLost(ServerError):
    """The connection broke while a statement was under way: whether it was carried out is unknown."""


class StatementFailed(ServerError):
    """The server answered a statement with an error: it was not carried out."""


class PrivilegeMissing(StatementFailed):
    """The account may not do this."""


class LockTimeout(StatementFailed):
    """The statement waited for a lock longer than it may."""


class Unsupported(ServerError):
    """The server, or the pair of servers, cannot do what was asked."""
