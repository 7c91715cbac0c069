"""`cutover`: the command line. Each command is thin; what it does lives in the migration room."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tui import exit_codes, migrating
from tui.commands import completing, machine, report, servers, sharing
from tui.commands.options import (
    Armed,
    AsciiOnly,
    Bridge,
    CaFile,
    Choose,
    Fence,
    Guided,
    Hook,
    HookSeconds,
    HookStages,
    Json,
    Listen,
    PasswordFile,
    People,
    Plain,
    Positions,
    Presenting,
    Profile,
    Proof,
    ReplicationUser,
    Scenario,
    Spare,
    Tls,
    VetoHook,
    Web,
)
from tui.commands.report import journal_of
from tui.commands.saying import fail, look, print_json, run_app, say

if TYPE_CHECKING:
    from migration.model import HookSpec, Wishes

app = typer.Typer(
    name="cutover",
    help="Move a live MySQL database to another server by replica and cutover, without losing a write.",
    no_args_is_help=False,
    add_completion=True,
    pretty_exceptions_show_locals=False,
)


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
    people: int,
) -> Wishes:
    """What was chosen; ends the program where something is no choice."""
    from tui.wishes import BadWish, read_wishes

    try:
        return read_wishes(positioning, fence, armed, spare or (), bridge, hooks, proof, people)
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
    presenter: Presenting = False,
    plain: Plain = False,
    ascii_only: AsciiOnly = False,
    guide: Guided = None,
    people: People = 1,
) -> None:
    """Without a command: the migrations of this machine."""
    if context.invoked_subcommand is not None:
        if hook or veto_hook:
            fail("Hooks go behind `rehearse`, or stand alone for a migration made in the wizard.", exit_codes.USAGE)
        if presenter or plain or ascii_only or guide is not None:
            fail("--presenter, --plain, --ascii and --guide go behind the command they are for.", exit_codes.USAGE)
    else:
        from providers.sandbox.spec import TopologySpec
        from tui import rehearsing
        from tui.opening import open_connect, open_rehearsal
        from tui.start import OpenSessions

        topology = TopologySpec(rehearsing.SOURCE_ENGINE, rehearsing.TARGET_ENGINE)
        hooks = _hooks(hook, veto_hook, hook_timeout, hook_stage)
        wishes = _wishes(positioning, fence, armed, spare, bridge, hooks, proof, people)
        rehearsal = open_rehearsal(topology, "mysql_replication", keep=False, wishes=wishes)
        run_app(OpenSessions(open_connect(wishes), rehearsal), look(presenter, plain, ascii_only, guide))


@app.command()
def rehearse(
    runbook: Annotated[
        str, typer.Argument(help="Which procedure.", autocompletion=completing.runbooks)
    ] = "mysql_replication",
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
    presenter: Presenting = False,
    plain: Plain = False,
    ascii_only: AsciiOnly = False,
    guide: Guided = None,
    people: People = 1,
) -> None:
    """Rehearse a whole migration on real servers of this machine, with clients that write all the while."""
    from tui import rehearsing

    how = look(presenter, plain, ascii_only, guide)
    if stop:
        raise typer.Exit(rehearsing.stop_all(say))
    hooks = _hooks(hook, veto_hook, hook_timeout, hook_stage)
    wishes = _wishes(positioning, fence, armed, spare, bridge, hooks, proof, people)
    rehearsing.require_runbook(runbook, fail)
    wanted = (source_engine, target_engine)
    topology = rehearsing.topology(runbook, wanted, scenario or (), positioning, rate, attached, fail)
    rehearsing.require_place(fail)
    rehearsing.require_engines((topology.source_engine, topology.target_engine), fail)
    if unattended and people > 1:
        fail(
            "Nobody else agrees to anything in a rehearsal that is --unattended: leave --people out.", exit_codes.USAGE
        )
    if unattended:
        from tui.unattended import Asked
        from tui.unattended import unattended as run_unattended

        script = rehearsing.script(seconds, rollback, cancel, choose or (), fail)
        asked = Asked(topology, runbook, script, keep, json_file, wishes)
        raise typer.Exit(run_unattended(asked, rehearsing.to_stderr, fail))
    from tui.opening import open_rehearsal

    run_app(open_rehearsal(topology, runbook, keep, wishes), how)


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
    positioning: Positions = "auto",
    fence: Fence = "auto",
    spare: Spare = None,
    target_user: migrating.TargetUser = "",
    replication_user: ReplicationUser = "",
    tls: Tls = "",
    ca_file: CaFile = None,
    source_password_file: PasswordFile = None,
    target_password_file: migrating.TargetPasswordFile = None,
    replication_password_file: PasswordFile = None,
    profile: Profile = "",
    presenter: Presenting = False,
    plain: Plain = False,
    ascii_only: AsciiOnly = False,
    guide: Guided = None,
    people: People = 1,
) -> None:
    """Migrate for real where a provider makes the target; nothing is created before you approve the plan."""
    from tui.start import OpenMigration

    how = look(presenter, plain, ascii_only, guide)
    wishes = _wishes(positioning, fence, "auto", spare, "", (), "required", people)
    files = (source_password_file, target_password_file, replication_password_file)
    asked = migrating.Asked(
        runbook, source, region, resource, access, option or (), name, environment,
        target_user, replication_user, tls, ca_file, wishes, files,
    )  # fmt: skip
    run_app(OpenMigration(migrating.begin(asked, fail), welcome_back=False), how)


def _only_one() -> str:
    from migration.sessions import sessions

    names = [session.id for session in sessions() if session.view is None or session.view.end is None]
    if len(names) != 1:
        listed = ", ".join(names) or "none"
        fail(f"Name the migration; those that have not ended: {listed}.", exit_codes.USAGE)
    return names[0]


@app.command()
def resume(
    migration: Annotated[
        str,
        typer.Argument(help="Its name; not needed where only one has not ended.", autocompletion=completing.migrations),
    ] = "",
    json_output: Json = False,
    source_password_file: PasswordFile = None,
    target_password_file: PasswordFile = None,
    replication_password_file: PasswordFile = None,
    presenter: Presenting = False,
    plain: Plain = False,
    ascii_only: AsciiOnly = False,
    guide: Guided = None,
) -> None:
    """Go back to a migration: start its runner where it has died, and show where it is."""
    from migration.journal import JournalError, RunnerSeat
    from migration.sessions import SessionError, launch, read_spec
    from migration.watch import Watch
    from providers.sandbox.client import SandboxFailed
    from tui.opening import secrets_of_sandbox
    from tui.servers import BadArgument, ask_passwords
    from tui.start import OpenMigration

    how = look(presenter, plain, ascii_only, guide)
    path = journal_of(migration or _only_one())
    try:
        if how.presenter is not None:
            how.presenter.learn(path)
        with Watch(path) as watch:
            ended = watch.view().end is not None
        if not ended and not RunnerSeat(path).taken():
            spec = read_spec(path)
            files = (source_password_file, target_password_file, replication_password_file)
            launch(path, secrets_of_sandbox(spec) or ask_passwords(spec, *files))
    except (JournalError, SessionError, SandboxFailed, BadArgument) as error:
        fail(str(error), exit_codes.CANNOT_START)
    if json_output:
        watch_command(path.parent.name, json_output=True, presenter=presenter)
        return
    run_app(OpenMigration(path, welcome_back=True), how)


@app.command(name="watch")
def watch_command(
    migration: Annotated[
        str, typer.Argument(help="Its name; without one they are listed.", autocompletion=completing.migrations)
    ] = "",
    json_output: Json = False,
    presenter: Presenting = False,
    plain: Plain = False,
    ascii_only: AsciiOnly = False,
    guide: Guided = None,
    web: Web = False,
    listen: Listen = "127.0.0.1",
) -> None:
    """Watch a migration and change nothing."""
    from tui import watching
    from tui.start import OpenMigration

    how = look(presenter, plain, ascii_only, guide)
    if not migration:
        rows = watching.listed(how.presenter)
        if json_output:
            print_json([{"migration": name, "state": state} for name, state in rows])
        else:
            say("\n".join(f"{name:32}  {state}" for name, state in rows) or "There is no migration on this machine.")
        return
    path = journal_of(migration)
    if web:
        watching.in_browser(path, listen, how, fail)
        return
    if not json_output:
        run_app(OpenMigration(path, welcome_back=False), how, observer=True)
    print_json(watching.document(path, how.presenter, fail))


app.command()(report.report)
app.command()(sharing.share)
app.command()(sharing.approve)
for one in (servers.check, servers.verify, servers.plan):
    app.command()(one)
app.add_typer(machine.engines_app, name="engines")
app.command()(machine.doctor)
app.command()(machine.keys)


def main() -> None:
    """The entry point of the `cutover` script."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A pipeline's output may be in an encoding without arrows, and without what names are written in.
        sys.stdout.reconfigure(errors="backslashreplace")
    from tui.ascii_only import terminal_wants_ascii, use_ascii

    if terminal_wants_ascii() and sys.stdout.isatty():
        use_ascii()
    app()
