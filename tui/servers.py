"""Servers and passwords as the command line takes them."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path

from migration.model import MigrationSpec, Positioning, Secrets, ServerSpec
from providers.mysql.endpoint import Secret, TlsMode
from tui.commands.saying import shown

_PORT = 3306


class BadArgument(Exception):
    """An argument cannot be understood; the message says what is expected."""


def parse_server(text: str, name: str, replication_user: str, tls: TlsMode, ca_file: str | None) -> ServerSpec:
    """Read `user@host[:port]`; an IPv6 address stands in brackets.

    Raises:
        BadArgument: it is something else.
    """
    user, at, place = text.rpartition("@")
    host, colon, port = place.rpartition(":")
    if not colon or (place.startswith("[") and place.endswith("]")):
        host, port = place, str(_PORT)
    host = host.strip("[]")
    if not at or not user or not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise BadArgument(f"{text!r} is no server; write it as user@host or user@host:port.")
    return ServerSpec(name, host, int(port), user, replication_user or user, tls.value, ca_file)


def ask_password(what: str, file: Path | None) -> Secret:
    """A password from the first line of a file, or typed without echo.

    Raises:
        BadArgument: the file cannot be read, or there is no terminal to type it on.
    """
    if file is not None:
        try:
            return Secret(file.read_text().splitlines()[0])
        except (OSError, IndexError, UnicodeDecodeError) as error:
            raise BadArgument(f"No password for {what} can be read from {file} ({error}).") from error
    if not sys.stdin.isatty():
        raise BadArgument(f"There is no terminal to type the password for {what} on; name a file that holds it.")
    return Secret(getpass.getpass(shown(f"Password for {what}: ")))


def ask_passwords(spec: MigrationSpec, source: Path | None, target: Path | None, replication: Path | None) -> Secrets:
    """All passwords of a migration, from files where they are named and typed otherwise.

    The replication account may be the administrator's own: then its password is not asked for again.

    Raises:
        BadArgument: see `ask_password`.
    """
    if spec.cloud is not None:
        # The provider copies the accounts: one is the administrator of both, and what each follows the other with.
        password = ask_password(f"{spec.source.user} on {spec.source.name}", source)
        return Secrets(password, password, password, password)
    found = {
        "source": ask_password(f"{spec.source.user} on {spec.source.name}", source),
        "target": ask_password(f"{spec.target.user} on {spec.target.name}", target),
    }
    shared: Secret | None = None
    for side, server in (("source", spec.source), ("target", spec.target)):
        if server.replication_user == server.user:
            found[f"{side}_replication"] = found[side]
            continue
        if shared is None:
            shared = ask_password(f"the replication account {server.replication_user}", replication)
        found[f"{side}_replication"] = shared
    return Secrets(found["source"], found["target"], found["source_replication"], found["target_replication"])


def spec_of(source: ServerSpec, target: ServerSpec, runbook: str, positioning: Positioning) -> MigrationSpec:
    """A migration that is only looked at, and never carried out."""
    return MigrationSpec("look", runbook, "LOOK", source, target, positioning)
