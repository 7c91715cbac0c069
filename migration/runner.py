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
from functools import partial
from pathlib import Path

from migration import runbooks
from migration.carrier import Carrier, ServersChanged
from migration.clients import Clients, ClientsSilent, clients_of
from migration.decisions import Choice
from migration.inbox import Deserted, Inbox
from migration.journal import Journal, JournalError, JournalReader, Kind, Record, RunnerSeat
from migration.model import MigrationSpec, Positioning, Proof, Secrets, Side
from migration.pair_lock import PairLock
from migration.placing import find, place_of
from migration.prover import Prover, at_most_behind, worth_comparing
from migration.records import Scribe
from migration.runbook import Cloud, Migration, StepFailed
from migration.sampler import Sampler
from migration.seat_keeper import SeatKeeper
from migration.story import Story
from providers.mysql.endpoint import Endpoint
from providers.mysql.errors import ServerError, Unreachable, Unsupported
from providers.mysql.server import Server

EXIT_ENDED = 0
EXIT_STOPPED = 1
EXIT_JOURNAL = 3
_AGAIN_S = 1.0
# What comes from outside: the rest was written by a runner, and what was handed in before it has been heard.
_HANDED_IN = (Kind.DECISION, Kind.SEAT_ASKED)
# The step of every runbook that deletes the old server, after everything else.
_RELEASED = "released"
_SWITCH_INTERVAL_S = 0.0005


class Runner:
    """One run of the runner over one journal."""

    def __init__(self, journal: Journal, secrets: Secrets, before: int) -> None:
        """Read the journal. `before`: the last record when no decision could be meant for this run yet."""
        self._journal = journal
        self._secrets = secrets
        self._scribe = Scribe(journal)
        records = journal.records()
        self._heard = max([before, *(record.seq for record in records if record.kind not in _HANDED_IN)])
        self._story = Story.of(records)
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
        keeper = SeatKeeper(self._scribe, self._story.seat)
        inbox = Inbox(self._journal.path, self._heard, clients.gone, keeper)
        inbox.paused = self._story.paused
        try:
            end = self._carry_out(inbox, clients)
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

    def _carry_out(self, inbox: Inbox, clients: Clients) -> str:
        while True:
            with contextlib.ExitStack() as opened:
                try:
                    return self._carry_on(self._open(inbox, opened), inbox, clients, opened)
                except ServersChanged:
                    self._read_again()

    def _carry_on(self, m: Migration, inbox: Inbox, clients: Clients, opened: contextlib.ExitStack) -> str:
        runbook = runbooks.find(self._spec.runbook)
        sampler = Sampler(m, self._scribe, runbook.follow)
        opened.callback(sampler.stop)
        prover = self._prover(m)
        if prover is not None:
            opened.callback(prover.stop)
        inbox.newest_lag = sampler.newest
        sampler.start()
        return Carrier(runbook, replace(m, prover=prover), inbox, sampler, clients).carry_out().value

    def _read_again(self) -> None:
        self._story = Story.of(self._journal.records())
        assert self._story.spec is not None
        self._spec = self._story.spec

    def _prover(self, migration: Migration) -> Prover | None:
        """What keeps the rows compared, in the direction in which the journal says the writes would move next."""
        if self._spec.proof is Proof.OFF or migration.other is None:
            return None
        runbook = runbooks.find(self._spec.runbook)
        if not worth_comparing(self._story, runbook):
            return None
        lag_s = None if runbook.follow is None else partial(at_most_behind, migration.desk)
        prover = Prover(migration, self._journal.path.parent, lag_s)
        switched = [attempt for attempt in self._story.attempts if attempt.result == "switched"]
        if switched:
            prover.point(switched[-1].direction)
        elif self._story.begun("compare"):
            prover.want()
        prover.start()
        return prover

    def _open(self, inbox: Inbox, opened: contextlib.ExitStack) -> Migration:
        """Connect to what is there; whatever is opened is closed with `opened`."""
        runbook = runbooks.find(self._spec.runbook)
        spec, secrets, view = self._spec, self._secrets, self._story.view(True)
        cloud = runbook.cloud(spec, secrets) if runbook.cloud is not None else None
        if cloud is not None:
            opened.callback(cloud.close)
        self._look_for_moved(cloud)
        spec = self._spec
        if self._source_gone():
            return self._without_source(inbox, cloud, opened)
        source = self._connect(spec.source.endpoint(secrets.source), view.source.identity, inbox)
        opened.callback(source.close)
        target = None
        if spec.target.host and not runbook.in_place:
            target = self._connect(spec.target.endpoint(secrets.target), view.target.identity, inbox)
            opened.callback(target.close)
        # Without a target nothing is settled yet: as if it were set up like the source.
        known = Positioning(view.positioning) if view.positioning and target else spec.positioning
        positioning = choose_positioning(known, source, target or source)
        lock = PairLock((source,) if target is None else (source, target))
        opened.callback(lock.close)
        m = Migration(spec, secrets, source, target, positioning, self._scribe, inbox, lock, cloud=cloud)
        if target is None:
            self._scribe.servers(_describe(source), {}, "", None)
            return replace(m, in_place=runbook.in_place)
        armed = runbook.switch.how.arms(m) if self._story.armed is None else self._story.armed
        self._scribe.servers(_describe(source), _describe(target), positioning.value, armed)
        return replace(m, armed=armed)

    def _source_gone(self) -> bool:
        """Whether the old server is not there any more, as it should be once its deletion was begun."""
        if not self._story.begun(_RELEASED):
            return False
        try:
            Server(self._spec.source.endpoint(self._secrets.source)).close()
        except Unreachable:
            return True
        except ServerError:
            # One that refuses is there.
            return False
        return False

    def _without_source(self, inbox: Inbox, cloud: Cloud | None, opened: contextlib.ExitStack) -> Migration:
        """What is left to be done is seeing the deletion through: nothing is asked of the old server any more."""
        spec, view = self._spec, self._story.view(True)
        target = self._connect(spec.target.endpoint(self._secrets.target), view.target.identity, inbox)
        opened.callback(target.close)
        positioning = Positioning(view.positioning) if view.positioning else spec.positioning
        self._scribe.note(f"{spec.source.name} does not answer, as is meant; its deletion is seen through")
        return Migration(spec, self._secrets, target, target, positioning, self._scribe, inbox, cloud=cloud)

    def _look_for_moved(self, cloud: Cloud | None) -> None:
        """A provider that exchanges addresses may have done so when nobody was there to put it down."""
        view = self._story.view(True)
        if cloud is None or not view.target.identity or self._spec.in_place:
            return
        spec, listed = self._spec, cloud.places(self._spec)
        for side, of_side, password, uid in (
            (Side.SOURCE, spec.source, self._secrets.source, view.source.identity),
            (Side.TARGET, spec.target, self._secrets.target, view.target.identity),
        ):
            place = find(of_side, password, uid, listed)
            if place is not None and place != place_of(of_side):
                self._scribe.placed(side, of_side.name, *place)
        self._read_again()

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
