"""`cutover migrate`: a migration in which a provider creates the target."""

from __future__ import annotations

import secrets as random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tui import exit_codes
from tui.commands import completing
from tui.commands.saying import meet

if TYPE_CHECKING:
    from migration.model import MigrationSpec, Secrets, Wishes
    from migration.runbook import Runbook as Procedure
    from tui.rehearsing import Fail

_NEW = "new server"
# What the providers ask for whose own replication carries the rows.
_LAG_S = 60.0

Runbook = Annotated[
    str, typer.Argument(help="Which procedure, such as rds_to_polardb.", autocompletion=completing.runbooks)
]
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
TargetUser = Annotated[
    str, typer.Option("--target-user", help="The target's own privileged account, where the target is there already.")
]
TargetPasswordFile = Annotated[
    Path | None, typer.Option(help="The same for the target, where its password is another one.")
]


@dataclass(frozen=True)
class Asked:
    """What stands on the command line; `files`: those of the source's, target's and replication's passwords."""

    runbook: str
    source: str
    region: str
    resource: str
    access: str
    options: Sequence[str]
    name: str
    environment: str
    target_user: str
    replication_user: str
    tls: str
    ca_file: str | None
    wishes: Wishes
    files: tuple[Path | None, Path | None, Path | None]


def begin(asked: Asked, fail: Fail) -> Path:
    """Make the migration and start its runner; the path of its journal. Ends the program where that cannot be."""
    from migration.connect import look_at_source
    from migration.journal import JournalError
    from migration.sessions import SessionError, create, launch
    from providers.mysql.errors import ServerError
    from tui.text import clean

    spec, passwords = read(asked, fail)
    try:
        # Before there is anything: whoever typed a wrong password or file is still here.
        look_at_source(spec, passwords).close()
    except UnicodeError:
        # Python refuses the name of a host, or a part of it, that is too long.
        fail(f"{clean(asked.source)} is no name of a host.", exit_codes.USAGE)
    except ServerError as error:
        fail(clean(str(error)), exit_codes.CANNOT_START)
    try:
        journal = create(spec)
        launch(journal, passwords)
    except (SessionError, JournalError) as error:
        fail(str(error), exit_codes.CANNOT_START)
    return journal


def read(asked: Asked, fail: Fail) -> tuple[MigrationSpec, Secrets]:
    """The migration that was asked for, and its passwords. Ends the program where something cannot be."""
    from migration import runbooks
    from tui.rehearsing import require_runbook
    from tui.servers import BadArgument, ask_passwords
    from tui.text import clean

    require_runbook(asked.runbook, fail)
    runbook = runbooks.find(asked.runbook)
    if runbook.cloud is None:
        fail(f"The runbook {runbook.name} has no provider: run `cutover` alone and name both servers.",
             exit_codes.USAGE)  # fmt: skip
    try:
        _require_meaning(asked, runbook)
        spec = _spec(asked, runbook)
        meet(spec)
        return spec, ask_passwords(spec, *asked.files)
    except BadArgument as error:
        fail(clean(str(error)), exit_codes.USAGE)


def _require_meaning(asked: Asked, runbook: Procedure) -> None:
    """See that nothing is given that this runbook would leave unread."""
    from tui.servers import BadArgument

    if (asked.target_user or asked.files[1]) and not runbook.own_accounts:
        raise BadArgument(
            f"{runbook.name} makes a target with the source's accounts: leave out --target-user and "
            "--target-password-file."
        )
    if asked.wishes.fence != "auto" and not runbook.fenced:
        raise BadArgument(f"{runbook.name} stops writes in a way of its own: leave out --fence.")


def _spec(asked: Asked, runbook: Procedure) -> MigrationSpec:
    from migration.model import CloudSpec, Limits, MigrationSpec, ServerSpec
    from tui.servers import BadArgument, parse_server, tls_of

    chosen = dict(one.partition("=")[::2] for one in asked.options)
    if not all(chosen.values()):
        raise BadArgument("An option is given as NAME=VALUE.")
    # Where the id is a path, its last part is the server's name.
    name, replication = asked.resource.rpartition("/")[2], asked.replication_user
    here = parse_server(asked.source, name, replication, tls_of(asked.tls, asked.ca_file), asked.ca_file)
    user = asked.target_user or here.user
    new = ServerSpec(_NEW, "", 0, user, replication or user, here.tls, here.ca_file)
    return MigrationSpec(
        id=asked.name or f"migration-{datetime.now(UTC):%m%d-%H%M}-{random.token_hex(2)}",
        runbook=runbook.name,
        environment=asked.environment,
        source=here,
        target=here if runbook.in_place else new,
        limits=Limits() if runbook.follow is None else Limits(lag_s=_LAG_S),
        cloud=CloudSpec(asked.region, asked.resource, asked.access, "", chosen),
        **asked.wishes.fields(),
    )
