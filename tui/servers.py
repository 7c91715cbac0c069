"""Servers and passwords as the command line takes them."""

from __future__ import annotations

import getpass
import ssl
import sys
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from migration.model import MigrationSpec, Positioning, Secrets, ServerSpec
from providers.mysql.endpoint import Secret, TlsMode
from tui.commands.saying import shown

_PORT = 3306
_Choice = TypeVar("_Choice", bound=StrEnum)


class BadArgument(Exception):
    """An argument cannot be understood; the message says what is expected."""


def one_of(text: str, kind: type[_Choice], what: str) -> _Choice:
    """A choice by its word on the command line; `what` is what it is called.

    Raises:
        BadArgument: it is none; with those there are.
    """
    try:
        return kind(text)
    except ValueError as error:
        raise BadArgument(f"{text!r} is no {what}; use one of {', '.join(kind)}.") from error


def tls_of(word: str, ca_file: str | None) -> TlsMode:
    """How connections are protected. Without a word as MySQL's clients have it: who gives certificates wants them used.

    Raises:
        BadArgument: there is no such mode.
    """
    if not word:
        return TlsMode.PREFERRED if ca_file is None else TlsMode.VERIFY_CA
    return one_of(word, TlsMode, "TLS mode")


def parse_server(text: str, name: str, replication_user: str, tls: TlsMode, ca_file: str | None) -> ServerSpec:
    """Read `user@host[:port]`; an IPv6 address stands in brackets.

    Raises:
        BadArgument: it is something else, or the file holds no certificates.
    """
    user, at, place = text.rpartition("@")
    host, colon, port = place.rpartition(":")
    if not colon or (place.startswith("[") and place.endswith("]")):
        host, port = place, str(_PORT)
    host = host.strip("[]")
    if not at or not user or not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise BadArgument(f"{text!r} is no server; write it as user@host or user@host:port.")
    bundle = None if ca_file is None else _certificates(Path(ca_file))
    return ServerSpec(name, host, int(port), user, replication_user or user, tls.value, bundle)


def _certificates(file: Path) -> str:
    """The file's place, for a process that works elsewhere, once it was seen to hold certificates."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(file)
    except OSError as error:
        # ssl.SSLError is one, too: a file without certificates.
        raise BadArgument(
            f"{file} cannot be used as a CA file ({error.strerror}); give a file of certificates, as PEM."
        ) from error
    return str(file.absolute())


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
    found = {"source": ask_password(f"{spec.source.user} on {spec.source.name}", source)}
    # Where a provider makes the target it copies the accounts, so that one is the administrator of both.
    copied = spec.cloud is not None and target is None and spec.target.user == spec.source.user
    found["target"] = found["source"] if copied else ask_password(f"{spec.target.user} on {spec.target.name}", target)
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
