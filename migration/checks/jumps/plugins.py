"""Login methods that are not on every server, and what becomes of an account that uses one.

Which of them a target has is asked (information_schema.plugins): a package may leave one out, an administrator switch
one off. What stands here is what to do about it.
"""

from __future__ import annotations

from dataclasses import dataclass

NATIVE = "mysql_native_password"
OLD = "mysql_old_password"


@dataclass(frozen=True)
class Plugin:
    """A login method, which servers have it, and what to do for an account where it is missing."""

    name: str
    there: str
    remedy: str
    page: str


PLUGINS: tuple[Plugin, ...] = (
    Plugin(
        NATIVE,
        "switched off in MySQL 8.4, not in 9.0 and later",
        "IDENTIFIED WITH caching_sha2_password BY the password: the stored one cannot be carried over",
        "MySQL 8.4 Reference Manual, Native Pluggable Authentication",
    ),
    Plugin(
        OLD,
        "not in MySQL 5.7.5 and later",
        "set the password anew: the stored one has 16 digits, of before MySQL 4.1",
        "MySQL 5.7 Reference Manual, Migrating Away from Pre-4.1 Password Hashing",
    ),
    Plugin(
        "caching_sha2_password",
        "MySQL 8.0 and later; newer versions of MariaDB where its package is installed",
        "IDENTIFIED BY the password: the stored one cannot be carried over",
        "MySQL Reference Manual, Caching SHA-2 Pluggable Authentication",
    ),
    Plugin(
        "sha256_password",
        "MySQL only",
        "IDENTIFIED BY the password: the stored one cannot be carried over",
        "MySQL Reference Manual, SHA-256 Pluggable Authentication",
    ),
    Plugin(
        "authentication_fido",
        "not in MySQL 8.4 and later",
        "IDENTIFIED WITH authentication_webauthn, and register the device anew",
        "MySQL 8.4 Reference Manual, What Is New in MySQL 8.4",
    ),
    Plugin(
        "auth_socket",
        "MySQL only",
        "IDENTIFIED WITH unix_socket",
        "MySQL Reference Manual, Socket Peer-Credential Pluggable Authentication",
    ),
    Plugin(
        "unix_socket",
        "MariaDB only",
        "IDENTIFIED WITH auth_socket (INSTALL PLUGIN auth_socket SONAME 'auth_socket.so')",
        "MariaDB documentation, Authentication Plugin - Unix Socket",
    ),
    Plugin(
        "ed25519",
        "MariaDB only",
        "IDENTIFIED BY the password: the stored one cannot be carried over",
        "MariaDB documentation, Authentication Plugin - ed25519",
    ),
    Plugin(
        "parsec",
        "MariaDB 11.6 and later",
        "IDENTIFIED BY the password: the stored one cannot be carried over",
        "MariaDB documentation, Authentication Plugin - PARSEC",
    ),
)

BY_NAME = {plugin.name: plugin for plugin in PLUGINS}
