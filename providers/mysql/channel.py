"""How a replica reaches and follows its source, and the statement that tells a server of one's own to do so."""

from __future__ import annotations

from dataclasses import dataclass

from providers.mysql.endpoint import Account
from providers.mysql.position import FilePosition
from providers.mysql.version import Version

_HEARTBEAT_S = 2
_RETRY_S = 1


@dataclass(frozen=True)
class Channel:
    """How a replica reaches and follows its source.

    `host` and `port` are the source's address as the replica sees it. `start` is the place to start from in
    file notation, None where GTIDs say it. `encrypted`: over TLS. `fetch_key`: ask the source for its RSA
    key, which caching_sha2_password needs without TLS. `ca`: the certificates of the source's authority, as PEM, where
    the operator has named them; empty elsewhere.
    """

    host: str
    port: int
    account: Account
    start: FilePosition | None
    encrypted: bool
    fetch_key: bool
    ca: str = ""


@dataclass(frozen=True)
class Statement:
    """A statement that holds a secret, its arguments, and how it is shown and journaled."""

    sql: str
    args: tuple[str | int, ...]
    shown: str


def change_source(version: Version, head: str, word: str, channel: Channel) -> Statement:
    """The statement of a server of this version.

    Args:
        version: the replica's.
        head: how the statement begins.
        word: the prefix of its options.
        channel: what it says.
    """
    options: list[tuple[str, str | int]] = [
        (f"{word}_HOST", channel.host),
        (f"{word}_PORT", channel.port),
        (f"{word}_USER", channel.account.user),
        (f"{word}_CONNECT_RETRY", _RETRY_S),
        (f"{word}_HEARTBEAT_PERIOD", _HEARTBEAT_S),
        (f"{word}_SSL", int(channel.encrypted)),
    ]
    if channel.fetch_key:
        options.append((f"GET_{word}_PUBLIC_KEY", 1))
    if channel.start is not None:
        options += [(f"{word}_LOG_FILE", channel.start.file), (f"{word}_LOG_POS", channel.start.offset)]
    parts = [f"{name} = %s" for name, _ in options]
    if version.mariadb:
        parts.append("MASTER_USE_GTID = " + ("no" if channel.start else "slave_pos"))
    elif version.mysql_from(5, 6, 5):
        parts.append(f"{word}_AUTO_POSITION = {0 if channel.start else 1}")
    sql = f"{head} {', '.join((*parts, f'{word}_PASSWORD = %s'))}"
    values = tuple(value for _, value in options)
    shown = sql % (*(repr(value) if isinstance(value, str) else str(value) for value in values), "'***'")
    return Statement(sql, (*values, channel.account.password.reveal()), shown)
