"""Write docs/cutover.1 from the command line's own help: python docs/make_man.py."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import typer

from tui.command_line import app

PAGE = Path(__file__).with_name("cutover.1")
HEAD = r""".\" Written by docs/make_man.py from the command line's own help; change it there and run the script.
.TH CUTOVER 1 "" "mysql\-cutover {version}" "User Commands"
.SH NAME
cutover \- move a live MySQL database to another server without losing a write
.SH SYNOPSIS
.B cutover
.RI [ COMMAND ]
.RI [ OPTIONS ]
.SH DESCRIPTION
"""
TAIL = r""".SH EXIT STATUS
0 success; 1 failed, warnings, or not the same rows; 2 blockers, something unproved, or the command line cannot be
understood; 3 something is unknown; 4 it could not begin. After a signal, 128 and its number.
.SH ENVIRONMENT
.TP
.B CUTOVER_STATE
Where journals are kept, in place of ~/.local/state/mysql\-cutover.
.TP
.B CUTOVER_CONFIG
Where keys.toml and profiles.toml are, in place of ~/.config/mysql\-cutover.
.TP
.B CUTOVER_CACHE
Where engines for rehearsals are kept, in place of ~/.cache/mysql\-cutover.
.TP
.B NO_COLOR
Sends no colour.
.TP
.B TEXTUAL_THEME
cutover\-dark, cutover\-light, cutover\-high\-contrast or cutover\-terminal.
.SH FILES
.TP
.I keys.toml
An action and its key in a line; \fBcutover keys\fR prints one with the keys as they are.
.TP
.I profiles.toml
A table a profile: connection settings by the names of the long options, with _ for \-. It holds no secrets.
"""


def page() -> str:
    """The whole page."""
    root = typer.main.get_command(app)
    lines = [HEAD.format(version=roff(version("mysql-cutover"))) + roff(root.help or "")]
    lines += [*options(root), ".SH COMMANDS", *commands(root, "cutover")]
    return "\n".join(lines) + "\n" + TAIL


def commands(group: Any, path: str) -> Iterator[str]:
    """Every command of a group with its arguments and options, and those of groups in it."""
    for name, command in sorted(group.commands.items()):
        if command.hidden:
            continue
        taken = [one for one in command.params if one.param_type_name == "argument"]
        yield f".SS {roff(f'{path} {name}')} " + roff(" ".join(_argument(one) for one in taken))
        yield roff((command.help or "").partition("\n")[0])
        for one in taken:
            yield from (".TP", f".I {roff(one.name.upper())}", roff(_help(one)))
        yield from options(command)
        if hasattr(command, "commands"):
            yield from commands(command, f"{path} {name}")


def options(command: Any) -> Iterator[str]:
    """The options of a command."""
    for one in command.params:
        if one.param_type_name != "option" or one.hidden or one.name == "help":
            continue
        names = ", ".join((*one.opts, *one.secondary_opts))
        value = "" if one.is_flag else f" \\fI{roff(one.name.upper())}\\fR"
        yield from (".TP", f"\\fB{roff(names)}\\fR{value}", roff(_help(one)))


def _help(parameter: Any) -> str:
    """What a parameter says of itself, with its default where that is one that somebody would want to know."""
    said = (parameter.help or "").rstrip(".")
    default = parameter.default
    known = isinstance(default, (str, int, float)) and not isinstance(default, bool) and default not in ("", 0, 0.0)
    return f"{said} (default: {default})." if known else f"{said}."


def _argument(one: Any) -> str:
    name = one.name.upper()
    return name if one.required else f"[{name}]"


def roff(text: str) -> str:
    """A text that is taken for nothing but text."""
    plain = text.replace("\\", r"\e").replace("-", r"\-").replace("…", "...").replace("→", r"\(->")
    return rf"\&{plain}" if plain.startswith((".", "'")) else plain


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
