"""The runner: the process that carries a migration out. It outlives the screen that started it.

Started as `python -m migration.runner JOURNAL` with the passwords as JSON on its standard input. What it
has to say goes into the journal; its last words, where there is no journal to say them in, to standard error.
"""

from __future__ import annotations

import contextlib
import json
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from migration import runbooks
from migration.carrier import Carrier
from migration.clients import Clients, ClientsSilent, clients_of
from migration.cutover.armed import worth_arming
from migration.decisions import Choice
from migration.inbox import Deserted, Inbox
from migration.journal import Journal, JournalError, JournalReader, Kind, Record, RunnerSeat
from migration.model import MigrationSpec, Positioning, Proof, Secrets
from migration.pair_lock import PairLock
from migration.prover import Prover
from migration.records import Scribe
from migration.runbook import Migration, StepFailed
from migration.sampler import Sampler
from migration.story import Story
from providers.mysql.endpoint import Endpoint
from providers.mysql.errors import ServerError, Unreachable, Unsupported
from providers.mysql.server import Server

EXIT_ENDED = 0
EXIT_STOPPED = 1
EXIT_JOURNAL = 3
_AGAIN_S = 1.0
_SWITCH_INTERVAL_S = 0.0005


class Runner:
    """One run of the runner over one journal."""

    def __init__(self, journal: Journal, secrets: Secrets, before: int) -> None:
        """Read the journal. `before`: the last record when no decision could be meant for this run yet."""
        self._journal = journal
        self._secrets = secrets
        self._scribe = Scribe(journal)
        records = journal.records()
        self._heard = max([before, *(record.seq for record in records if record.kind is not Kind.DECISION)])
        self._story = _fold(records)
        if self._story.spec is None:
            raise JournalError(f"The journal {journal.path} is empty; delete its directory and start again.")
        self._spec: MigrationSpec = self._story.spec

    def run(self) -> int:
        """Carry the migration on until it ends; returns the exit code of the process.

        Raises:
            JournalError: the journal cannot be written any more.
        """
        clients = clients_of(self._spec)
        if self._story.end is not None:
            _over(clients)
            return EXIT_ENDED
        self._scribe.runner_started()
        inbox = Inbox(self._journal.path, self._heard, clients.gone)
        inbox.paused = self._story.paused
        try:
            migration = self._open(inbox)
            end = self._carry_out(migration, inbox, clients)
        except (ServerError, StepFailed, LookupError) as error:
            self._scribe.note(str(error), "error")
            self._scribe.runner_stopped(str(error))
            return EXIT_STOPPED
        except Deserted:
            self._scribe.runner_stopped("the rehearsal was taken down")
            return EXIT_STOPPED
        finally:
            inbox.close()
        self._scribe.runner_stopped(f"the migration ended: {end}")
        _over(clients)
        return EXIT_ENDED

    def _carry_out(self, migration: Migration, inbox: Inbox, clients: Clients) -> str:
        sampler = Sampler(migration, self._scribe)
        prover = self._prover(migration)
        inbox.newest_lag = sampler.newest
        sampler.start()
        try:
            runbook = runbooks.find(self._spec.runbook)
            compared = replace(migration, prover=prover)
            return Carrier(runbook, compared, inbox, sampler, clients).carry_out().value
        finally:
            if prover is not None:
                prover.stop()
            sampler.stop()
            if migration.lock is not None:
                migration.lock.close()
            migration.source.close()
            migration.target.close()

    def _prover(self, migration: Migration) -> Prover | None:
        """What keeps the rows compared, in the direction in which the journal says the writes would move next."""
        if self._spec.proof is Proof.OFF:
            return None
        prover = Prover(migration, self._journal.path.parent)
        switched = [attempt for attempt in self._story.attempts if attempt.result == "switched"]
        if switched:
            prover.point(switched[-1].direction)
        elif self._story.begun("compare"):
            prover.want()
        prover.start()
        return prover

    def _open(self, inbox: Inbox) -> Migration:
        view = self._story.view(True)
        source = self._connect(self._spec.source.endpoint(self._secrets.source), view.source.identity, inbox)
        target = self._connect(self._spec.target.endpoint(self._secrets.target), view.target.identity, inbox)
        known = Positioning(view.positioning) if view.positioning else self._spec.positioning
        positioning = choose_positioning(known, source, target)
        lock = PairLock(source, target)
        m = Migration(self._spec, self._secrets, source, target, positioning, self._scribe, inbox, lock)
        armed = worth_arming(m) if self._story.armed is None else self._story.armed
        self._scribe.servers(_describe(source), _describe(target), positioning.value, armed)
        return replace(m, armed=armed)

    def _connect(self, endpoint: Endpoint, expected: str, inbox: Inbox) -> Server:
        """Connect; waits for a server that does not answer, but not for one that refuses the account."""
        said = ""
        while True:
            try:
                return Server(endpoint, expected or None)
            except Unreachable as error:
                if str(error) != said:
                    said = str(error)
                    self._scribe.note(said, "error")
                if _cancelled(inbox.take()):
                    raise StepFailed(
                        "Cancelled while a server could not be reached; nothing was taken back."
                    ) from error
                time.sleep(_AGAIN_S)


def _over(clients: Clients) -> None:
    # The migration has ended and its journal says so; servers that are gone already need no taking down.
    with contextlib.suppress(ClientsSilent):
        clients.over()


def _cancelled(decision: Record | None) -> bool:
    return decision is not None and decision.body["choice"] == Choice.CANCEL.value


def _describe(server: Server) -> dict[str, str]:
    return {"version": str(server.version), "identity": server.identity.uid}


def _fold(records: tuple[Record, ...]) -> Story:
    story = Story()
    for record in records:
        story.tell(record)
    return story


def choose_positioning(asked: Positioning, source: Server, target: Server) -> Positioning:
    """GTIDs where both servers are of one family and use them, file and offset elsewhere.

    Raises:
        Unsupported: GTIDs were asked for and the pair cannot.
    """
    possible = source.version.mariadb == target.version.mariadb and _gtid_on(source) and _gtid_on(target)
    if asked is Positioning.GTID and not possible:
        raise Unsupported(
            source.name,
            f"{source.name} ({source.version}) and {target.name} ({target.version}) cannot replicate by GTID as they "
            "are set up; turn gtid_mode on for both, or choose positioning file.",
        )
    if asked is Positioning.AUTO:
        return Positioning.GTID if possible else Positioning.FILE
    return asked


def _gtid_on(server: Server) -> bool:
    return server.version.mariadb or server.variable("gtid_mode") == "ON"


def main(argv: list[str], open_journal: Callable[[Path], Journal] = Journal) -> int:
    """Run the runner of the journal named in `argv`."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    path = Path(argv[1])
    secrets = Secrets.from_clear(json.load(sys.stdin))
    # Inside the window the thread that switches must not wait for one that measures (Python's default is 5 ms).
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    try:
        # Whoever sees the seat taken may decide: what comes from then on is for this run.
        with JournalReader(path) as reader:
            before = reader.last_seq()
        seat = RunnerSeat(path)
        if not seat.take():
            sys.stderr.write(f"A runner is already at work on {path}.\n")
            return EXIT_STOPPED
        journal = open_journal(path)
        try:
            return Runner(journal, secrets, before).run()
        finally:
            journal.close()
    except JournalError as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_JOURNAL


if __name__ == "__main__":
    sys.exit(main(sys.argv))
