"""The options that several commands take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tui import exit_codes, profiles
from tui.commands import completing
from tui.commands.saying import fail
from tui.config import BadConfig

Positions = Annotated[
    str, typer.Option("--positioning", help="How the end of the log is known: gtid, file, signal or auto.")
]
Fence = Annotated[str, typer.Option("--fence", help="How writes are stopped: auto, read_only, accounts or operator.")]
Spare = Annotated[
    list[str] | None, typer.Option("--spare", help="User whose sessions the accounts fence leaves alone; repeatable.")
]
Armed = Annotated[
    str, typer.Option("--armed", help="Let the target open by itself, for servers far from here: auto, on or off.")
]
Bridge = Annotated[
    str, typer.Option("--bridge", help="HOST[:PORT] here for the bridge over which an old source finds its way back.")
]
Proof = Annotated[
    str,
    typer.Option("--proof", help="Whether all rows must be proved equal before a switch: required, advised or off."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
Hook = Annotated[
    list[str] | None,
    typer.Option(
        "--hook", help="Told of every stage: 'command:/path/to/program ARGUMENTS', https://…, or file:/path of a URL."
    ),
]
VetoHook = Annotated[
    list[str] | None, typer.Option("--veto-hook", help="The same, and asked before the fence whether to go on.")
]
HookSeconds = Annotated[float, typer.Option("--hook-timeout", help="Seconds after which a hook is ended.")]
HookStages = Annotated[
    list[str] | None, typer.Option("--hook-stage", help="Call the hooks in this stage only; may be given again.")
]
Scenario = Annotated[
    list[str] | None, typer.Option("--scenario", help="What the simulated cloud is like, NAME=VALUE; repeatable.")
]
Choose = Annotated[
    list[str] | None, typer.Option("--choose", help="Unattended: what to choose at a gate, GATE=VALUE; repeatable.")
]
PasswordFile = Annotated[Path | None, typer.Option(help="File whose first line is the password; asked for otherwise.")]
Presenting = Annotated[
    bool, typer.Option("--presenter", help="For a shared screen: hosts, accounts, tables under aliases.")
]
Plain = Annotated[bool, typer.Option("--plain", help="Lines instead of screens, for screen readers and logs.")]
AsciiOnly = Annotated[
    bool, typer.Option("--ascii", help="Draw with ASCII only; by itself where the locale is not UTF-8.")
]
People = Annotated[
    int, typer.Option("--people", min=1, max=2, help="How many have to agree to the cutover; a rollback needs one.")
]
Web = Annotated[bool, typer.Option("--web", help="Show it in a browser of this machine; needs the extra `web`.")]
Listen = Annotated[str, typer.Option("--listen", help="With --web: HOST[:PORT], of this machine alone.")]


def _take_profile(context: typer.Context, name: str) -> str:
    """What a profile says is as if it were typed, where the command has it and nothing else is typed."""
    if name and not context.resilient_parsing:
        try:
            context.default_map = profiles.read(name)
        except BadConfig as error:
            fail(str(error), exit_codes.USAGE)
    return name


Profile = Annotated[
    str,
    typer.Option(
        "--profile",
        help="Named settings of profiles.toml; what is typed counts before them.",
        is_eager=True,
        callback=_take_profile,
        autocompletion=completing.profiles,
    ),
]
Guided = Annotated[
    bool | None,
    typer.Option(
        "--guide/--no-guide", help="Tell of each step why it is there and what people get wrong; on in rehearsals."
    ),
]
ServerArgument = Annotated[str, typer.Argument(help="user@host or user@host:port")]
ReplicationUser = Annotated[str, typer.Option(help="Account with which the other side replicates from here.")]
Tls = Annotated[
    str,
    typer.Option(
        help="disabled, preferred, required, verify_ca or verify_identity; else preferred, with a CA file verify_ca."
    ),
]
CaFile = Annotated[str | None, typer.Option(help="CA certificates of both servers in one file, PEM.")]
