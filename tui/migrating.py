"""`cutover migrate`: a migration in which a provider creates the target."""

from __future__ import annotations

import secrets as random
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tui import exit_codes
from tui.commands.saying import meet

if TYPE_CHECKING:
    from migration.model import MigrationSpec
    from tui.rehearsing import Fail

_NEW = "new server"
# What the providers ask for whose own replication carries the rows.
_LAG_S = 60.0

Runbook = Annotated[str, typer.Argument(help="Which procedure, such as rds_to_polardb.")]
Source = Annotated[str, typer.Argument(help="The source as user@host[:port], its privileged account.")]
Region = Annotated[str, typer.Option("--region", help="The provider's region, such as cn-hangzhou.")]
Resource = Annotated[str, typer.Option("--resource", help="The provider's id of the source, such as rm-bp1abc.")]
Access = Annotated[
    str,
    typer.Option(
        "--access", help="Where its access key is: environment, profile:NAME, keyring:NAME or instance-role:NAME."
    ),
]
Option = Annotated[list[str] | None, typer.Option("--option", help="NAME=VALUE, such as rules=2019; repeatable.")]
Name = Annotated[str, typer.Option("--name", help="What the migration is called; made up without it.")]
Environment = Annotated[str, typer.Option("--environment", help="Shown on every screen, such as PROD.")]
PasswordFile = Annotated[Path | None, typer.Option(help="File whose first line is the password; asked for otherwise.")]


def begin(
    runbook: str,
    source: str,
    region: str,
    resource: str,
    access: str,
    options: list[str],
    name: str,
    environment: str,
    password_file: Path | None,
    fail: Fail,
) -> Path:
    """Make the migration and start its runner; the path of its journal. Ends the program where that cannot be."""
    from migration import runbooks
    from migration.journal import JournalError
    from migration.sessions import SessionError, create, launch
    from tui.rehearsing import require_runbook
    from tui.servers import BadArgument, ask_passwords

    require_runbook(runbook, fail)
    if runbooks.find(runbook).cloud is None:
        fail(f"The runbook {runbook} has no provider: run `cutover` alone and name both servers.", exit_codes.USAGE)
    try:
        spec = _spec(runbook, source, region, resource, access, options, name, environment)
        meet(spec)
        passwords = ask_passwords(spec, password_file, None, None)
    except BadArgument as error:
        fail(str(error), exit_codes.USAGE)
    try:
        journal = create(spec)
        launch(journal, passwords)
    except (SessionError, JournalError) as error:
        fail(str(error), exit_codes.CANNOT_START)
    return journal


def _spec(
    runbook: str,
    source: str,
    region: str,
    resource: str,
    access: str,
    options: list[str],
    name: str,
    environment: str,
) -> MigrationSpec:
    from migration import runbooks
    from migration.model import CloudSpec, Limits, MigrationSpec, Proof, ServerSpec
    from providers.mysql.endpoint import TlsMode
    from tui.servers import BadArgument, parse_server

    chosen = dict(one.partition("=")[::2] for one in options)
    if not all(chosen.values()):
        raise BadArgument("An option is given as NAME=VALUE.")
    # Where the id is a path, its last part is the server's name.
    here = parse_server(source, resource.rpartition("/")[2], "", TlsMode.PREFERRED, None)
    carried = runbooks.find(runbook).follow is not None
    return MigrationSpec(
        id=name or f"migration-{datetime.now(UTC):%m%d-%H%M}-{random.token_hex(2)}",
        runbook=runbook,
        environment=environment,
        source=here,
        target=ServerSpec(_NEW, "", 0, here.user, here.user),
        limits=Limits(lag_s=_LAG_S) if carried else Limits(),
        proof=Proof.REQUIRED,
        cloud=CloudSpec(region, resource, access, "", chosen),
    )
