"""The server's side of a login with mysql_native_password, which every replica of an old version knows.

Source: MySQL source code documentation, "Connection Phase" and "Native Authentication".
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import socket
import struct
from dataclasses import dataclass

from pymysql.constants import CLIENT

from providers.mysql.bridge import wire
from providers.mysql.bridge.wire import Malformed
from providers.mysql.endpoint import Account

_PLUGIN = b"mysql_native_password"
_NONCE = 20
_LATIN1 = 8
_AUTOCOMMIT = 2
_PROTOCOL = 10
_SWITCH = b"\xfe"
# Nothing that would change how packets look after the login: no TLS, no compression, no other end of results.
_CAPABILITIES = (
    CLIENT.LONG_PASSWORD
    | CLIENT.LONG_FLAG
    | CLIENT.PROTOCOL_41
    | CLIENT.TRANSACTIONS
    | CLIENT.SECURE_CONNECTION
    | CLIENT.MULTI_RESULTS
    | CLIENT.PLUGIN_AUTH
)
_FIXED_PART = 32


class Refused(Exception):
    """The login is not the replica's. `user` is what it called itself."""

    def __init__(self, user: str) -> None:
        super().__init__(user)
        self.user = user


@dataclass(frozen=True)
class _Answer:
    """What a client answers to the greeting."""

    user: str
    proof: bytes
    plugin: bytes


def receive_login(sock: socket.socket, account: Account, version: str, thread: int) -> int:
    """Greet whoever has connected and let them prove that they know the account's password.

    Nothing has been answered yet when this returns: the caller says how it ends.

    Args:
        sock: the connection, with a timeout.
        account: the only one that is let in.
        version: as which server version to greet.
        thread: the session's number, as it is told to the client.

    Returns:
        The sequence number that the answer must have.

    Raises:
        Refused: another user or a wrong password; the refusal has been sent.
        Malformed: no login.
        Gone: closed meanwhile.
        OSError: the connection broke, or nothing came in time.
    """
    nonce = _nonce()
    sock.sendall(wire.frame(0, _greeting(version, thread, nonce)))
    sequence, payload = wire.read_packet(sock)
    answer = _parse(payload)
    proof = answer.proof
    if answer.plugin != _PLUGIN:
        nonce = _nonce()
        sock.sendall(wire.frame(sequence + 1, _SWITCH + _PLUGIN + b"\x00" + nonce + b"\x00"))
        sequence, proof = wire.read_packet(sock)
    right = hmac.compare_digest(proof, _expected(account, nonce))
    if not right or not hmac.compare_digest(answer.user.encode(), account.user.encode()):
        words = "Access denied: the bridge lets in the account for replication only, with its password"
        sock.sendall(wire.error(sequence + 1, wire.ACCESS_DENIED, words))
        raise Refused(answer.user)
    return sequence + 1


def _nonce() -> bytes:
    # Printable: a zero byte would end it.
    return bytes(33 + secrets.randbelow(94) for _ in range(_NONCE))


def _greeting(version: str, thread: int, nonce: bytes) -> bytes:
    return b"".join(
        (
            bytes([_PROTOCOL]),
            version.encode() + b"\x00",
            struct.pack("<I", thread),
            nonce[:8] + b"\x00",
            struct.pack("<HBH", _CAPABILITIES & 0xFFFF, _LATIN1, _AUTOCOMMIT),
            struct.pack("<HB", _CAPABILITIES >> 16, _NONCE + 1),
            bytes(10),
            nonce[8:] + b"\x00",
            _PLUGIN + b"\x00",
        )
    )


def _parse(payload: bytes) -> _Answer:
    try:
        capabilities = struct.unpack_from("<I", payload)[0]
        if not capabilities & CLIENT.PROTOCOL_41 or not capabilities & CLIENT.SECURE_CONNECTION:
            raise Malformed("a login of before MySQL 4.1")
        end = payload.index(0, _FIXED_PART)
        user = payload[_FIXED_PART:end].decode("utf-8", "replace")
        at = end + 2 + payload[end + 1]
        proof = payload[end + 2 : at]
        if capabilities & CLIENT.CONNECT_WITH_DB and b"\x00" in payload[at:]:
            at = payload.index(0, at) + 1
        named = capabilities & CLIENT.PLUGIN_AUTH and at < len(payload)
        return _Answer(user, proof, payload[at:].split(b"\x00")[0] if named else _PLUGIN)
    except (struct.error, ValueError, IndexError) as error:
        raise Malformed("a login that breaks off") from error


def _expected(account: Account, nonce: bytes) -> bytes:
    once = _sha1(account.password.reveal().encode())
    return bytes(a ^ b for a, b in zip(once, _sha1(nonce + _sha1(once)), strict=True))


def _sha1(data: bytes) -> bytes:
    return hashlib.sha1(data).digest()  # noqa: S324  the login method is defined by it
