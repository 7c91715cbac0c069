"""`cutover engines` and `doctor`: what this machine has."""

from __future__ import annotations

from typing import Annotated

import typer

from tui import exit_codes
from tui.commands.options import Json
from tui.commands.saying import fail, print_json, say

engines_app = typer.Typer(help="Database engines for rehearsals.", invoke_without_command=True)


@engines_app.callback()
def engines(context: typer.Context, json_output: Json = False) -> None:
    """List the engines that rehearsals can use."""
    if context.invoked_subcommand is None:
        from tui import rehearsing

        rows = rehearsing.engine_rows()
        if json_output:
            print_json(rows)
        else:
            for row in rows:
                say(f"{row['name']:16} {row['state']:12} {row['download_mb']:4} MB to load  {row['note']}")


@engines_app.command()
def install(names: Annotated[list[str], typer.Argument(help="Names as listed by `cutover engines`.")]) -> None:
    """Install engines into your cache directory, verified, without root."""
    from tui import rehearsing

    rehearsing.require_engines(tuple(names), fail)


def doctor(json_output: Json = False) -> None:
    """What this machine has and lacks for `cutover`, with the command that cures it."""
    from tui import looking

    rows = looking.doctor()
    if json_output:
        print_json([row.__dict__ for row in rows])
    else:
        for row in rows:
            say(f"{row.word:8} {row.what:24}  {row.found}" + (f"\n{'':10}{row.cure}" if row.cure else ""))
    raise typer.Exit(exit_codes.OK if all(row.word in ("OK", "-") for row in rows) else exit_codes.WARNINGS)


def keys() -> None:
    """Every key that can be another one, as a file to change: `cutover keys > keys.toml`."""
    from tui.keymap import example

    say(example())
