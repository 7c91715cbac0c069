"""`cutover`: the command line. Each command is thin; what it does lives in the migration room."""

from __future__ import annotations

import io
import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from tui import exit_codes, migrating

if TYPE_CHECKING:
    from migration.model import HookSpec, Wishes
    from tui.start import Start

app = typer.Typer(
    name="cutover",
    help="Move a live MySQL database to another server by replica and cutover, without losing a write.",
    no_args_is_help=False,
    add_completion=True,
    pretty_exceptions_show_locals=False,
)
engines_app = typer.Typer(help="Database engines for rehearsals.", invoke_without_command=True)
app.add_typer(engines_app, name="engines")

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


def fail(message: str, code: int = exit_codes.FAILED) -> NoReturn:
    """End with one sentence on standard error."""
    sys.stderr.write(f"cutover: {message}\n")
    raise typer.Exit(code)


def say(text: str) -> None:
    """One line on standard output."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def print_json(value: Any) -> None:
    """A document on standard output."""
    say(json.dumps(value, indent=2))


def run_app(start: Start, *, observer: bool = False) -> None:
    """Open the wizard and leave with its exit code."""
    if not sys.stdin.isatty() or not sys.stdout.isatty():
        fail(
            "There is no terminal for the wizard here; use --json, or `cutover rehearse --unattended`.",
            exit_codes.USAGE,
        )
    from tui.app import CutoverApp, let_go_of_lost_terminal
    from tui.opening import export_report

    wizard = CutoverApp(start, observer=observer, export=export_report)
    wizard.run(mouse=False)
    let_go_of_lost_terminal()
    left = wizard.view
    if left is not None and left.end is None and not observer:
        down = " `cutover rehearse --stop` takes its servers down." if left.spec.sandbox else ""
        say(f"{left.spec.id} goes on without you; `cutover resume {left.spec.id}` brings you back.{down}")
    raise typer.Exit(wizard.return_code or exit_codes.OK)


def _hooks(
    hooks: list[str] | None, vetoing: list[str] | None, seconds: float, stages: list[str] | None
) -> tuple[HookSpec, ...]:
    """The hooks that were asked for; ends the program where one cannot work."""
    from migration.hook_option import BadHook, read_hooks

    try:
        return read_hooks(hooks or (), vetoing or (), seconds, stages or ())
    except BadHook as error:
        fail(str(error), exit_codes.USAGE)


def _wishes(
    positioning: str,
    fence: str,
    armed: str,
    spare: list[str] | None,
    bridge: str,
    hooks: tuple[HookSpec, ...],
    proof: str,
) -> Wishes:
    """What was chosen; ends the program where something is no choice."""
    from tui.wishes import BadWish, read_wishes

    try:
        return read_wishes(positioning, fence, armed, spare or (), bridge, hooks, proof)
    except BadWish as error:
        fail(str(error), exit_codes.USAGE)


@app.callback(invoke_without_command=True)
def main_command(
    context: typer.Context,
    hook: Hook = None,
    veto_hook: VetoHook = None,
    hook_timeout: HookSeconds = 5.0,
    hook_stage: HookStages = None,
    positioning: Positions = "auto",
    fence: Fence = "auto",
    armed: Armed = "auto",
    spare: Spare = None,
    bridge: Bridge = "",
    proof: Proof = "required",
) -> None:
    """Without a command: the migrations of this machine."""
    if context.invoked_subcommand is not None:
        if hook or veto_hook:
            fail("Hooks go behind `rehearse`, or stand alone for a migration made in the wizard.", exit_codes.USAGE)
    else:
        from providers.sandbox.spec import TopologySpec
        from tui import rehearsing
        from tui.opening import open_connect, open_rehearsal
        from tui.start import OpenSessions

        topology = TopologySpec(rehearsing.SOURCE_ENGINE, rehearsing.TARGET_ENGINE)
        hooks = _hooks(hook, veto_hook, hook_timeout, hook_stage)
        wishes = _wishes(positioning, fence, armed, spare, bridge, hooks, proof)
        rehearsal = open_rehearsal(topology, "mysql_replication", keep=False, wishes=wishes)
        run_app(OpenSessions(open_connect(wishes), rehearsal))


@app.command()
def rehearse(
    runbook: Annotated[str, typer.Argument(help="Which procedure.")] = "mysql_replication",
    unattended: Annotated[bool, typer.Option("--unattended", help="Without a terminal, confirming each gate.")] = False,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the result to this file.")] = None,
    source_engine: Annotated[str, typer.Option(help="Engine of the source; see `cutover engines`.")] = "",
    target_engine: Annotated[str, typer.Option(help="Engine of the target; by default the runbook's own.")] = "",
    scenario: Scenario = None,
    choose: Choose = None,
    cancel: Annotated[bool, typer.Option("--cancel", help="Unattended: cancel before the cutover.")] = False,
    positioning: Positions = "auto",
    rate: Annotated[int, typer.Option(help="Writes per second of all clients together.")] = 200,
    seconds: Annotated[float, typer.Option(help="How long clients write before each switch.")] = 2.0,
    rollback: Annotated[bool, typer.Option("--rollback", help="Unattended: go back after the cutover.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the servers up at the end.")] = False,
    attached: Annotated[bool, typer.Option("--attached", help="Begin with a target that already follows.")] = False,
    stop: Annotated[bool, typer.Option("--stop", help="Take down every rehearsal of this machine.")] = False,
    hook: Hook = None,
    veto_hook: VetoHook = None,
    hook_timeout: HookSeconds = 5.0,
    hook_stage: HookStages = None,
    fence: Fence = "auto",
    armed: Armed = "auto",
    spare: Spare = None,
    bridge: Bridge = "",
    proof: Proof = "required",
) -> None:
    """Rehearse a whole migration on real servers of this machine, with clients that write all the while."""
    from tui import rehearsing

    if stop:
        raise typer.Exit(rehearsing.stop_all(say))
    hooks = _hooks(hook, veto_hook, hook_timeout, hook_stage)
    wishes = _wishes(positioning, fence, armed, spare, bridge, hooks, proof)
    rehearsing.require_runbook(runbook, fail)
    wanted = (source_engine, target_engine)
    topology = rehearsing.topology(runbook, wanted, scenario or (), positioning, rate, attached, fail)
    rehearsing.require_place(fail)
    rehearsing.require_engines((topology.source_engine, topology.target_engine), fail)
    if unattended:
        from tui.unattended import Asked
        from tui.unattended import unattended as run_unattended

        script = rehearsing.script(seconds, rollback, cancel, choose or (), fail)
        asked = Asked(topology, runbook, script, keep, json_file, wishes)
        raise typer.Exit(run_unattended(asked, rehearsing.to_stderr, fail))
    from tui.opening import open_rehearsal

    run_app(open_rehearsal(topology, runbook, keep, wishes))


@app.command()
def migrate(
    runbook: migrating.Runbook,
    source: migrating.Source,
    region: migrating.Region,
    resource: migrating.Resource,
    access: migrating.Access = "",
    option: migrating.Option = None,
    name: migrating.Name = "",
    environment: migrating.Environment = "PROD",
    source_password_file: PasswordFile = None,
) -> None:
    """Migrate for real where a provider makes the target; nothing is created before you approve the plan."""
    from tui.start import OpenMigration

    journal = migrating.begin(
        runbook, source, region, resource, access, option or [], name, environment, source_password_file, fail
    )
    run_app(OpenMigration(journal, welcome_back=False))


def _journal(migration: str) -> Path:
    from migration.sessions import SessionError, journal_path

    try:
        path = journal_path(migration)
    except SessionError as error:
        fail(str(error), exit_codes.USAGE)
    if not path.exists():
        fail(f"There is no migration named {migration} on this machine; `cutover watch` lists them.", exit_codes.USAGE)
    return path


def _only_one() -> str:
    from migration.sessions import sessions

    names = [session.id for session in sessions() if session.view is None or session.view.end is None]
    if len(names) != 1:
        listed = ", ".join(names) or "none"
        fail(f"Name the migration; those that have not ended: {listed}.", exit_codes.USAGE)
    return names[0]


@app.command()
def resume(
    migration: Annotated[str, typer.Argument(help="Its name; not needed where only one has not ended.")] = "",
    json_output: Json = False,
    source_password_file: PasswordFile = None,
    target_password_file: PasswordFile = None,
    replication_password_file: PasswordFile = None,
) -> None:
    """Go back to a migration: start its runner where it has died, and show where it is."""
    from migration.journal import JournalError, RunnerSeat
    from migration.sessions import SessionError, launch, read_spec
    from migration.watch import Watch
    from providers.sandbox.client import SandboxFailed
    from tui.opening import secrets_of_sandbox
    from tui.servers import BadArgument, ask_passwords
    from tui.start import OpenMigration

    path = _journal(migration or _only_one())
    try:
        with Watch(path) as watch:
            ended = watch.view().end is not None
        if not ended and not RunnerSeat(path).taken():
            spec = read_spec(path)
            files = (source_password_file, target_password_file, replication_password_file)
            launch(path, secrets_of_sandbox(spec) or ask_passwords(spec, *files))
    except (JournalError, SessionError, SandboxFailed, BadArgument) as error:
        fail(str(error), exit_codes.CANNOT_START)
    if json_output:
        watch_command(path.parent.name, json_output=True)
        return
    run_app(OpenMigration(path, welcome_back=True))


@app.command(name="watch")
def watch_command(
    migration: Annotated[str, typer.Argument(help="Its name; without one they are listed.")] = "",
    json_output: Json = False,
) -> None:
    """Watch a migration and change nothing."""
    from dataclasses import asdict

    from migration.journal import JournalError
    from migration.sessions import sessions
    from migration.watch import Watch
    from tui.start import OpenMigration

    if not migration:
        rows = [(s.id, s.view.headline if s.view else s.error) for s in sessions()]
        if json_output:
            print_json([{"migration": name, "state": state} for name, state in rows])
        else:
            say("\n".join(f"{name:32}  {state}" for name, state in rows) or "There is no migration on this machine.")
        return
    path = _journal(migration)
    if not json_output:
        run_app(OpenMigration(path, welcome_back=False), observer=True)
    try:
        with Watch(path) as watch:
            print_json(asdict(watch.view()))
    except JournalError as error:
        fail(str(error), exit_codes.CANNOT_START)


@app.command()
def report(
    migration: Annotated[str, typer.Argument(help="Its name.")],
    json_output: Json = False,
    out: Annotated[Path | None, typer.Option(help="Write to this file instead of standard output.")] = None,
) -> None:
    """The migration as a document: Markdown, or JSON."""
    from migration.journal import JournalError
    from migration.report import Report

    try:
        document = Report(_journal(migration))
    except JournalError as error:
        fail(str(error), exit_codes.CANNOT_START)
    text = json.dumps(document.to_json(), indent=2) if json_output else document.to_markdown().rstrip()
    if out is None:
        say(text)
        return
    try:
        out.write_text(text + "\n")
    except OSError as error:
        fail(f"The report cannot be written to {out} ({error.strerror}).")


ServerArgument = Annotated[str, typer.Argument(help="user@host or user@host:port")]
ReplicationUser = Annotated[str, typer.Option(help="Account with which the other side replicates from here.")]
Tls = Annotated[str, typer.Option(help="disabled, preferred, required, verify_ca or verify_identity.")]
CaFile = Annotated[str | None, typer.Option(help="CA certificates, PEM.")]


@app.command()
def check(
    source: ServerArgument,
    target: Annotated[str, typer.Argument(help="The same; without one only the source is looked at.")] = "",
    json_output: Json = False,
    junit: Annotated[Path | None, typer.Option(help="Write the findings to this file as JUnit XML too.")] = None,
    route: Annotated[str, typer.Option(help="How the rows travel: native, physical or logical.")] = "native",
    replication_user: ReplicationUser = "",
    tls: Tls = "preferred",
    ca_file: CaFile = None,
    source_password_file: PasswordFile = None,
    target_password_file: PasswordFile = None,
    replication_password_file: PasswordFile = None,
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


@app.command()
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
    tls: Tls = "preferred",
    ca_file: CaFile = None,
    source_password_file: PasswordFile = None,
    target_password_file: PasswordFile = None,
) -> None:
    """Prove that two servers hold the same rows, while writes go on. Exit: 0 identical, 1 different, 2 unproved."""
    from tui import verifying

    files = (source_password_file, target_password_file)
    only = tuple(databases or ())
    asked = verifying.Asked(
        source, target, tables, only, rate, connections, mode, go_on, repair, follow, tls, ca_file, files
    )
    raise typer.Exit(verifying.verify(asked, json_output, say, fail))


@app.command()
def plan(
    source: ServerArgument,
    target: ServerArgument,
    json_output: Json = False,
    runbook: Annotated[str, typer.Option(help="Which procedure.")] = "mysql_replication",
    replication_user: ReplicationUser = "",
    tls: Tls = "preferred",
    ca_file: CaFile = None,
    source_password_file: PasswordFile = None,
    target_password_file: PasswordFile = None,
    replication_password_file: PasswordFile = None,
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


@app.command()
def doctor(json_output: Json = False) -> None:
    """What this machine has and lacks for `cutover`, with the command that cures it."""
    from tui import looking

    rows = looking.doctor()
    if json_output:
        print_json([row.__dict__ for row in rows])
    else:
        for row in rows:
            say(f"{row.word:8} {row.what:24}  {row.found}" + (f"\n{'':10}{row.cure}" if row.cure else ""))
    raise typer.Exit(exit_codes.OK if all(row.word == "OK" for row in rows) else exit_codes.WARNINGS)


def main() -> None:
    """The entry point of the `cutover` script."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A pipeline's output may be in an encoding without arrows, and without what names are written in.
        sys.stdout.reconfigure(errors="backslashreplace")
    app()
