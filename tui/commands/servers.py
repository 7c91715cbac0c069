"""`cutover check`, `verify` and `plan`: looking at two servers, changing nothing."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from tui.commands.options import CaFile, Json, PasswordFile, Profile, ReplicationUser, ServerArgument, Tls
from tui.commands.saying import fail, print_json, say


def check(
    source: ServerArgument,
    target: Annotated[str, typer.Argument(help="The same; without one only the source is looked at.")] = "",
    json_output: Json = False,
    junit: Annotated[Path | None, typer.Option(help="Write the findings to this file as JUnit XML too.")] = None,
    route: Annotated[str, typer.Option(help="How the rows travel: native, physical or logical.")] = "native",
    replication_user: ReplicationUser = "",
    tls: Tls = "",
    ca_file: CaFile = None,
    source_password_file: PasswordFile = None,
    target_password_file: PasswordFile = None,
    replication_password_file: PasswordFile = None,
    profile: Profile = "",
) -> None:
    """Run the prerequisite checks. Exit code: 0 clean, 1 warnings, 2 blockers, 3 something is unknown."""
    from tui import looking

    files = (source_password_file, target_password_file, replication_password_file)
    servers = looking.Servers(source, target, replication_user, tls, ca_file)
    if junit is not None:
        looking.require_place(junit, fail)
    found = looking.check(servers, files, looking.route_of(route, fail), fail)
    if junit is not None:
        looking.junit(found, junit, fail)
    code = looking.exit_code(found)
    if json_output:
        print_json(found.to_json() | {"exit_code": code})
    else:
        for line in looking.lines(found):
            say(line)
    raise typer.Exit(code)


def verify(
    source: ServerArgument,
    target: ServerArgument,
    tables: Annotated[str, typer.Option("--tables", help="Of DATABASE.TABLE, with * and ?; all without it.")] = "",
    databases: Annotated[
        list[str] | None, typer.Option("--databases", help="Only this one; may be given again. All without it.")
    ] = None,
    rate: Annotated[float, typer.Option("--rate", help="MiB a second read from each server at most; 0: any.")] = 0.0,
    connections: Annotated[int, typer.Option("--connections", help="To each server.")] = 2,
    mode: Annotated[str, typer.Option("--mode", help="exact or hash; chosen by measuring the link without it.")] = "",
    go_on: Annotated[bool, typer.Option("--resume", help="Go on from where an earlier run ended.")] = False,
    repair: Annotated[
        Path | None, typer.Option("--repair", help="Write SQL for the rows that differ to this new file; not applied.")
    ] = None,
    json_output: Json = False,
    follow: Annotated[float, typer.Option("--follow", help="Seconds to follow changes after all was read.")] = 0.0,
    tls: Tls = "",
    ca_file: CaFile = None,
    source_password_file: PasswordFile = None,
    target_password_file: PasswordFile = None,
    profile: Profile = "",
) -> None:
    """Prove that two servers hold the same rows, while writes go on. Exit: 0 identical, 1 different, 2 unproved."""
    from tui import verifying

    files = (source_password_file, target_password_file)
    only = tuple(databases or ())
    asked = verifying.Asked(
        source, target, tables, only, rate, connections, mode, go_on, repair, follow, tls, ca_file, files
    )
    raise typer.Exit(verifying.verify(asked, json_output, say, fail))


def plan(
    source: ServerArgument,
    target: ServerArgument,
    json_output: Json = False,
    runbook: Annotated[str, typer.Option(help="Which procedure.")] = "mysql_replication",
    replication_user: ReplicationUser = "",
    tls: Tls = "",
    ca_file: CaFile = None,
    source_password_file: PasswordFile = None,
    target_password_file: PasswordFile = None,
    replication_password_file: PasswordFile = None,
    profile: Profile = "",
) -> None:
    """What a migration would do, step by step; nothing is run."""
    from dataclasses import asdict

    from tui import looking
    from tui.text import clean

    files = (source_password_file, target_password_file, replication_password_file)
    servers = looking.Servers(source, target, replication_user, tls, ca_file)
    with tempfile.TemporaryDirectory() as scratch:
        made = looking.plan(servers, files, runbook, Path(scratch), fail)
    if json_output:
        print_json(asdict(made))
        return
    say(f"plan {made.hash}, positions by {made.positioning}")
    for number, item in enumerate(made.items, 1):
        estimate = "-" if item.estimate_s is None else f"{item.estimate_s:.1f} s"
        say(f"{number:2}  {item.title:48}  {item.side.value:7} {estimate:>9}  writes {item.writes.value}")
        for statement in item.statements:
            say(f"      {clean(statement)}")
