"""What the command line hands to the app: how a rehearsal begins, how a migration is made and resumed."""

from __future__ import annotations

import secrets as random
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from migration.journal import JournalError
from migration.model import MigrationSpec, Secrets, ServerSpec, Side, Wishes
from providers.mysql.endpoint import Account, Endpoint
from providers.sandbox.engines import EngineMissing, UnknownEngine
from providers.sandbox.spec import TopologySpec, UnsupportedPair
from tui.start import ConnectFailed, ConnectForm, OpenConnect, OpenRehearsal, ProbeLine, RehearsalFailed, SideForm

Say = Callable[[str], None]

# What carries a migration out is loaded when it is first needed: the first screen is painted without it.


def sandbox_errors() -> tuple[type[Exception], ...]:
    """Why a rehearsal may not begin."""
    from migration.sessions import SessionError
    from providers.sandbox.client import SandboxFailed

    return (SandboxFailed, UnsupportedPair, UnknownEngine, EngineMissing, ValueError, SessionError, JournalError)


def open_rehearsal(topology: TopologySpec, runbook: str, keep: bool, wishes: Wishes) -> OpenRehearsal:
    """A rehearsal that begins when the app is there."""

    def begin(say: Say) -> Path:
        from migration import rehearsal
        from migration.sessions import launch

        try:
            prepared = rehearsal.set_up(topology, runbook, say, keep=keep, wishes=wishes)
            say("starting the runner")
            launch(prepared.journal, prepared.secrets())
        except sandbox_errors() as error:
            raise RehearsalFailed(str(error)) from error
        return prepared.journal

    return OpenRehearsal(begin)


def _server_spec(form: SideForm) -> ServerSpec:
    return ServerSpec(form.name, form.host, form.port, form.user, form.replication_user, form.tls.value)


def _endpoint(form: SideForm) -> Endpoint:
    return Endpoint(form.name, form.host, form.port, Account(form.user, form.password), form.tls)


def create_migration(form: ConnectForm, wishes: Wishes) -> Path:
    """Make a migration from what was entered, and start its runner.

    Raises:
        ConnectFailed: the name is taken or impossible, or the runner did not start.
    """
    from migration.sessions import SessionError, create, launch

    spec = MigrationSpec(
        id=form.migration or f"migration-{datetime.now(UTC):%m%d-%H%M}-{random.token_hex(2)}",
        runbook="mysql_replication",
        environment=form.environment,
        source=_server_spec(form.source),
        target=_server_spec(form.target),
        **wishes.fields(),
    )
    passwords = Secrets(
        form.source.password,
        form.target.password,
        form.source.replication_password,
        form.target.replication_password,
    )
    try:
        journal = create(spec)
        launch(journal, passwords)
    except (SessionError, JournalError) as error:
        raise ConnectFailed(str(error)) from error
    return journal


def probe_servers(form: ConnectForm) -> tuple[ProbeLine, ...]:
    """Try both servers; changes nothing."""
    from migration import connect

    lines = []
    for side, of_side in ((Side.SOURCE, form.source), (Side.TARGET, form.target)):
        lines += [ProbeLine(line.side, line.word, line.text) for line in connect.probe(side, _endpoint(of_side))]
    return tuple(lines)


def open_connect(wishes: Wishes) -> OpenConnect:
    """Asking for the two servers of a migration with these wishes."""
    return OpenConnect(lambda form: create_migration(form, wishes), probe_servers)


def secrets_of_sandbox(spec: MigrationSpec) -> Secrets | None:
    """The passwords of a rehearsal, from its supervisor; None where it is a real migration.

    Raises:
        SandboxGone: the rehearsal's servers have ended.
    """
    from migration import rehearsal
    from providers.sandbox.client import Sandbox

    return rehearsal.sandbox_secrets(Sandbox.open(Path(spec.sandbox)), spec) if spec.sandbox else None


def export_report(journal: Path) -> Path:
    """Write the report, with names under aliases, beside the journal and return where it is.

    Raises:
        JournalError: the journal cannot be read, or the directory not be written.
    """
    from migration.report import Report
    from migration.report_html import to_html

    path = journal.with_name("report.html")
    try:
        path.write_text(to_html(Report.masked(journal)))
    except OSError as error:
        raise JournalError(f"The report {path} cannot be written ({error.strerror}); make room or rights.") from error
    return path
