"""Whether an old server needs a bridge to follow a new one: why, what else could be done, and what neither covers.

What is said here about settings and logins was measured on MySQL 9.7 with replicas of MySQL 5.6 and 5.7 and of
MariaDB 10.11 and 11.8.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from providers.mysql.bridge.collations import Translation, collations_of, translation
from providers.mysql.endpoint import Account
from providers.mysql.server import Server
from providers.mysql.version import Version

_SETTINGS = ("character_set_server", "collation_server", "default_collation_for_utf8mb4", "init_connect")
_SHOWN = ("binlog_format", "binlog_transaction_compression", "binlog_row_value_options")


class Why(StrEnum):
    """What stands in the old server's way.

    LOGIN: it cannot log in, so there is no way back at all. DEFAULT: sessions have a collation that it does not
    know unless they choose another. CHOSEN: only those that choose such a collation.
    """

    LOGIN = "login"
    DEFAULT = "default"
    CHOSEN = "chosen"


@dataclass(frozen=True)
class Reason:
    """One thing in the way, as a sentence with the servers' versions and settings in it."""

    why: Why
    words: str


@dataclass(frozen=True)
class Alternative:
    """What can be done instead of a bridge; `statements` are for the new server, `leaves` is what it leaves open."""

    title: str
    statements: tuple[str, ...]
    leaves: str


@dataclass(frozen=True)
class Need:
    """Whether there is anything a bridge is good for, with the evidence.

    `settings` are the new server's, name and value. `limits` are sentences on what stops the old server with a
    bridge as well as without one.
    """

    reasons: tuple[Reason, ...]
    collations: Translation
    alternatives: tuple[Alternative, ...]
    limits: tuple[str, ...]
    settings: tuple[tuple[str, str], ...]

    @property
    def certain(self) -> bool:
        """Whether the way back does not work, or stops at an ordinary session's first change."""
        return any(reason.why is not Why.CHOSEN for reason in self.reasons)

    @property
    def possible(self) -> bool:
        """Whether some client could stop the way back."""
        return bool(self.reasons)


def needs(new: Server, old: Server, account: Account) -> Need:
    """Ask both servers whether `old` can follow `new`, as a replica that logs in with this account of `new`.

    Raises:
        ServerError: a server cannot be asked, or does not let this account read mysql.user.
    """
    obstacle = _login_obstacle(new, old, account)
    lacking = translation(collations_of(new), collations_of(old))
    settings = tuple((name, value) for name in (*_SETTINGS, *_SHOWN) if (value := new.variable(name)) is not None)
    reasons = []
    if obstacle:
        reasons.append(Reason(Why.LOGIN, f"{obstacle} (account {account.user} on {new.name})."))
    in_the_way = _collation_reason(new, old, lacking, dict(settings))
    if in_the_way is not None:
        reasons.append(in_the_way)
    alternatives = (
        *(_for_login(new.version, old.version) if obstacle else ()),
        *(_for_collations(new.version) if in_the_way is not None else ()),
    )
    return Need(tuple(reasons), lacking, alternatives, _limits(new, old, dict(settings), lacking), settings)


def login_obstacle(plugin: str, replica: Version, *, encrypted: bool, has_password: bool) -> str:
    """Why a replica of this version cannot log in through this method; empty where it can.

    `encrypted`: over TLS, of a version that both sides speak. `has_password`: not an empty one.
    """
    if plugin in ("", "mysql_native_password") or replica.mysql_from(8, 0, 4):
        return ""
    if plugin == "caching_sha2_password" and replica.mysql_from(5, 7, 23):
        return "" if encrypted else f"{replica} logs in through {plugin} over TLS only"
    if plugin == "sha256_password" and replica.mysql_from(5, 6):
        return "" if encrypted or not has_password else f"{replica} logs in through {plugin} over TLS only"
    if replica.mariadb and plugin in ("ed25519", "parsec"):
        return ""
    return f"{replica} does not know the login method {plugin}"


def _over_tls(new: Server, old: Server) -> bool:
    # MySQL 5.6 speaks no version of TLS that a later server still takes.
    return new.offers_tls() and (old.version.mariadb or old.version.mysql_from(5, 7))


def _login_obstacle(new: Server, old: Server, account: Account) -> str:
    """From which of its hosts the old server comes is not known here, so all of them have to do."""
    rows = new.rows("SELECT DISTINCT plugin FROM mysql.user WHERE user = %s", (account.user,))
    encrypted, has_password = _over_tls(new, old), bool(account.password.reveal())
    found = (
        login_obstacle(str(plugin or ""), old.version, encrypted=encrypted, has_password=has_password)
        for (plugin,) in rows
    )
    return next(filter(None, found), "")


def _collation_reason(new: Server, old: Server, lacking: Translation, settings: dict[str, str]) -> Reason | None:
    if not lacking.table:
        return None
    defaults = [f"{name} = {value}" for name, value in settings.items() if value in lacking.names]
    breaks = f"{old.name} ({old.version}) stops replicating at the first change by a session"
    count = f"{len(lacking.names)} collations of {new.name} ({new.version}) that it does not know"
    if defaults:
        return Reason(
            Why.DEFAULT, f"{breaks} with one of {count}; sessions have one by default: {', '.join(defaults)}."
        )
    return Reason(
        Why.CHOSEN,
        f"{breaks} with one of {count}. None is a default there, but a client can choose one, and the client libraries "
        "of MySQL 8.0 and later do so when they log in.",
    )


def _for_login(new: Version, old: Version) -> tuple[Alternative, ...]:
    """Other ways to log in."""
    found = []
    if new.mysql_from(5, 7) and not new.mysql_from(9, 0):
        found.append(
            Alternative(
                "an account with mysql_native_password",
                ("ALTER USER '...' IDENTIFIED WITH mysql_native_password BY '...'",),
                "From MySQL 8.4 on the server must have been started with mysql_native_password=ON; collations.",
            )
        )
    if old.mysql_from(5, 7, 23):
        found.append(Alternative("TLS on the new server", (), "Collations."))
    if old.mysql_from(5, 6) and not old.mysql_from(5, 7):
        found.append(
            Alternative(
                "an account without a password, limited to the old server's host",
                (
                    "CREATE USER '...'@'<address of the old server>' IDENTIFIED WITH sha256_password BY ''",
                    "GRANT REPLICATION SLAVE ON *.* TO '...'@'<address of the old server>'",
                ),
                "Everybody on that host can read all changes, in clear; for rehearsals only. Collations.",
            )
        )
    if old.mariadb:
        found.append(
            Alternative(
                "MariaDB's client plugin caching_sha2_password on the old server, and TLS",
                (),
                "Whoever runs the old server has to put caching_sha2_password.so into its plugin_dir. Collations.",
            )
        )
    return tuple(found)


def _for_collations(new: Version) -> tuple[Alternative, ...]:
    """Other ways to keep sessions from collations that the old server does not know."""
    if not new.mysql_from(8, 0, 11):
        return (Alternative("clients that choose an old collation", (), "Every client that does not."),)
    return (
        Alternative(
            "an old collation as the new server's default",
            (
                "SET PERSIST collation_server = utf8mb4_general_ci",
                "SET PERSIST default_collation_for_utf8mb4 = utf8mb4_general_ci",
            ),
            "Clients that choose a collation when they log in (the libraries of MySQL 8.0 and later send number 255 "
            "for utf8mb4 unless told otherwise), those that say SET NAMES ... COLLATE or SET character_set_client, and "
            "sessions that are open already. Logins.",
        ),
        Alternative(
            "the same, and an old collation for each session that begins",
            (
                "SET PERSIST collation_server = utf8mb4_general_ci",
                "SET PERSIST default_collation_for_utf8mb4 = utf8mb4_general_ci",
                "SET PERSIST init_connect = 'SET NAMES utf8mb4 COLLATE utf8mb4_general_ci'",
            ),
            "Accounts with CONNECTION_ADMIN or SUPER, for which init_connect is not run; clients that choose later. It "
            "garbles the text of clients that speak another character set than utf8mb4. Logins.",
        ),
        Alternative(
            "clients that choose an old collation",
            (),
            "Every client that is overlooked, such as an administrator's mysql of version 8.0 or later. Logins.",
        ),
    )


def _limits(new: Server, old: Server, settings: dict[str, str], lacking: Translation) -> tuple[str, ...]:
    """What a bridge does not mend."""
    found = []
    if lacking.table:
        found.append(
            f"Statements that write out a collation which {old.name} lacks, such as COLLATE utf8mb4_0900_ai_ci, stop "
            "it (error 1273); so does CREATE TABLE ... SELECT of text by a session with such a collation, as the "
            "server writes it out."
        )
        found.append(
            "Two values that differ under the new collation and not under the old one can both be in a unique key of a "
            f"table made meanwhile on {new.name}, and not on {old.name} (error 1062)."
        )
    if new.version.mysql_from(8, 0) and not old.version.mysql_from(8, 0):
        found.append(
            f"Accounts that are made or changed on {new.name} stop {old.name} (error 1524 or 1064): put SET "
            "sql_log_bin = 0 before such statements, as long as the way back is wanted."
        )
    if settings.get("binlog_transaction_compression") == "ON":
        found.append(
            f"binlog_transaction_compression is ON on {new.name}: {old.name} cannot read such transactions; set it OFF."
        )
    if settings.get("binlog_row_value_options"):
        found.append(
            f"binlog_row_value_options is set on {new.name}: {old.name} cannot read partial changes of JSON; empty it."
        )
    if settings.get("binlog_format", "ROW") != "ROW":
        found.append(
            f"binlog_format is {settings['binlog_format']} on {new.name}: a statement can mean something else to "
            f"{old.name}; set it to ROW."
        )
    found += [f"{old.name} does not have the character set {name} at all." for name in sorted(lacking.charsets)]
    return tuple(found)
