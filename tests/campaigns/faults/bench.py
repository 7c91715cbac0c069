"""A pair of real servers that the campaign keeps up from run to run, with proxies on every road between them."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from migration.journal import Journal, Kind
from migration.model import Direction, Limits, MigrationSpec, Positioning, Secrets, ServerSpec, Stage
from migration.pair_lock import PairLock
from migration.records import Scribe
from migration.runbook import Item, Migration
from migration.runbooks.mysql_replication import RUNBOOK
from migration.steps import attach, way_back
from providers.mysql import replication
from providers.mysql.endpoint import Account, Endpoint, Secret, TlsMode
from providers.mysql.errors import ServerError
from providers.mysql.server import Server
from providers.sandbox import passwords
from providers.sandbox.launcher import SandboxServer, ServerFailed
from providers.sandbox.spec import TopologySpec
from providers.sandbox.topology import WHICH, Topology, Which
from tests.campaigns.faults.plan import FENCE_S, PairKind
from tests.support.moving import QuietDesk
from tests.support.proxy import LOOPBACK, Proxy

TABLE = "shop.fault_writes"
EVENT = "shop.fault_event"
EVENT_TABLE = "shop.fault_events"
BYSTANDER = "bystander"
_RUNNING_S = 8.0
_CATCH_UP_S = 15.0
_TABLES = (
    f"CREATE TABLE {TABLE} (n BIGINT NOT NULL PRIMARY KEY) ENGINE = InnoDB",
    f"CREATE TABLE {EVENT_TABLE} (n BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, at DATETIME(6) NOT NULL, "
    "server BIGINT NOT NULL) ENGINE = InnoDB",
)


class Broken(Exception):
    """The pair cannot be made ready for another run; a new one is needed."""


class Bench:
    """Two servers that follow each other. `roads` lead the operator to each, `links` lead its replica to it."""

    def __init__(self, kind: PairKind, run_dir: Path) -> None:
        """Start the servers, fill them and let each follow the other."""
        self.kind = kind
        self.run_dir = run_dir
        spec = TopologySpec(kind.source, kind.target, "file" if self.by_file else "gtid", rows=200, attached=True)
        self.topology = Topology(spec, run_dir / "servers")
        self.roads: dict[Which, Proxy] = {}
        self.links: dict[Which, Proxy] = {}
        self.sessions: dict[Which, Server] = {}
        self.bystander = Account(BYSTANDER, Secret(secrets.token_urlsafe(12)))
        self.prepared_on: Which | None = None
        self.lock_name = ""
        self._attach_persists = False
        self._closing = contextlib.ExitStack()
        try:
            self._start()
        except BaseException:
            self.close()
            raise

    def _start(self) -> None:
        self._closing.callback(self.topology.destroy)
        self.topology.start(lambda _: None)
        for which in WHICH:
            place = (LOOPBACK, self.topology.servers[which].port)
            self.roads[which] = self._closing.enter_context(Proxy(place))
            self.links[which] = self._closing.enter_context(Proxy(place))
            self.sessions[which] = self._closing.enter_context(contextlib.closing(Server(self.endpoint(which))))
            self._make_bystander(self.sessions[which])
        for sql in _TABLES:
            self.sessions["source"].change(sql)
        journal = Journal.create(self.run_dir / "bench.db")
        m = Migration(
            self.spec("bench"), self.secrets(), self.sessions["source"], self.sessions["target"],
            self.kind.positioning, Scribe(journal), QuietDesk(),
        )  # fmt: skip
        attach.apply(m)
        self._attach_persists = _persists_read_only(m.target)
        way_back.apply(m)
        journal.close()
        lock = PairLock(m.servers)
        self.lock_name = lock.name
        lock.close()
        for which in WHICH:
            self._lead_through(self.sessions[which], self.links[_other(which)])

    def _make_bystander(self, server: Server) -> None:
        """An administrator besides ours; not replicated, for accounts are not the same on two versions."""
        account = self.bystander
        with contextlib.closing(server.connect()) as session:
            for sql in (
                "SET SESSION sql_log_bin = 0",
                "SET GLOBAL read_only = OFF",
                f"CREATE USER '{account.user}'@'%%' IDENTIFIED BY %s",
                f"GRANT ALL ON *.* TO '{account.user}'@'%' WITH GRANT OPTION",
            ):
                session.run(sql, (account.password.reveal(),) if "BY %s" in sql else (), shown=sql)

    def _lead_through(self, replica: Server, link: Proxy) -> None:
        word = replica.dialect.source_word
        replica.change(replica.dialect.stop_replica)
        status = replica.replica_status()
        assert status is not None
        places = ""
        if self.by_file:
            at = status.executed
            places = f", {word}_LOG_FILE = '{at.file}', {word}_LOG_POS = {at.offset}"
        replica.change(f"{replica.dialect.change_source} {word}_PORT = {link.port}{places}")
        replica.change(replica.dialect.start_replica)
        replication.wait_running(replica, _RUNNING_S)

    @property
    def by_file(self) -> bool:
        return self.kind.positioning is not Positioning.GTID

    def server(self, which: Which) -> SandboxServer:
        return self.topology.servers[which]

    def endpoint(self, which: Which, account: Account | None = None) -> Endpoint:
        """The server itself, past every proxy."""
        return replace(self.server(which).endpoint(account), tls=TlsMode.DISABLED)

    def secrets(self) -> Secrets:
        administrator = passwords.load().administrator.password
        forward, reverse = self.topology.forward_account(), self.topology.reverse_account()
        return Secrets(administrator, administrator, forward.password, reverse.password)

    def spec(self, name: str) -> MigrationSpec:
        """A migration of this pair, as somebody sees it who reaches the servers over the proxied roads."""
        forward, reverse = self.topology.forward_account(), self.topology.reverse_account()
        user = passwords.load().administrator.user
        source, target = (
            ServerSpec(which, LOOPBACK, self.roads[which].port, user, account.user, TlsMode.DISABLED.value)
            for which, account in zip(WHICH, (forward, reverse), strict=True)
        )
        return MigrationSpec(
            id=name, runbook="mysql_replication", environment="REHEARSAL", source=source, target=target,
            positioning=self.kind.positioning, databases=("shop",), limits=Limits(fence_s=FENCE_S),
        )  # fmt: skip

    def sides(self, direction: Direction) -> tuple[Which, Which]:
        """Who is old and who is new in this direction."""
        return ("source", "target") if direction is Direction.CUTOVER else ("target", "source")

    def keep_closed_over_restart(self, which: Which) -> None:
        """What the documentation asks for where a server cannot persist read_only: put it into its configuration."""
        if self.sessions[which].dialect.persist_read_only is None:
            self.server(which)._options["read_only"] = "ON"

    def forget_configured(self, which: Which) -> None:
        """Take it out again, as is asked for once a server has the writes."""
        self.server(which)._options.pop("read_only", None)

    def ready(self, direction: Direction) -> None:
        """Bring the pair to where a run begins: the old side open, the new one closed, each up with the other.

        Raises:
            Broken: it does not get there.
        """
        try:
            self.heal()
            for which in WHICH:
                self._tidy(which)
            for which in WHICH:
                self._running(which)
            old, new = (self.sessions[which] for which in self.sides(direction))
            self.caught_up(old, new)
            self.caught_up(new, old)
            if old.rows("XA RECOVER") or new.rows("XA RECOVER"):
                raise Broken("a prepared XA transaction is left")
            old.change(old.dialect.unfence)
            for table in (TABLE, EVENT_TABLE):
                old.change(f"TRUNCATE TABLE {table}")
            self.caught_up(old, new)
            # As the cutover before it has left it, or else the attaching.
            if new.dialect.persist_read_only and (direction is Direction.ROLLBACK or self._attach_persists):
                new.change(new.dialect.persist_read_only)
        except (ServerError, ServerFailed) as error:
            raise Broken(str(error)) from error

    def heal(self) -> None:
        """A good network, to the right servers, and both servers up."""
        for which in WHICH:
            for proxy in (self.roads[which], self.links[which]):
                proxy.redirect((LOOPBACK, self.server(which).port))
                proxy.douse()
                proxy.heal()
            self.server(which).start()

    def close(self) -> None:
        """End everything."""
        self._closing.close()

    def _tidy(self, which: Which) -> None:
        server = self.sessions[which]
        self.forget_configured(which)
        for row in server.rows("SHOW PROCESSLIST"):
            if row[1] in (BYSTANDER, server.endpoint.account.user) and int(row[0]) != server.session.thread_id:
                with contextlib.suppress(ServerError):
                    server.session.run(f"KILL {int(row[0])}")
        for sql in server.dialect.forget_persisted_read_only:
            server.change(sql)
        server.change(server.dialect.unfence)
        if which == self.prepared_on:
            # On the other side it is the applier's, and ends with this.
            self.prepared_on = None
            for _, length, _, data in server.rows("XA RECOVER"):
                name = data.decode() if isinstance(data, bytes) else str(data)
                server.change(f"XA ROLLBACK '{name[: int(length)]}'")
        server.change("SET GLOBAL event_scheduler = OFF")
        with contextlib.closing(server.connect()) as session:
            session.run("SET SESSION sql_log_bin = 0")
            session.run(f"DROP EVENT IF EXISTS {EVENT}")
        server.change(server.dialect.fence)

    def _running(self, which: Which) -> None:
        server = self.sessions[which]
        status = server.replica_status()
        if status is None:
            raise Broken(f"{server.name} is no replica any more")
        if not status.running:
            server.change(server.dialect.stop_replica)
            server.change(server.dialect.start_replica)
        replication.wait_running(server, _RUNNING_S)

    def caught_up(self, leader: Server, follower: Server) -> None:
        end = leader.end_of_log() if self.by_file else leader.gtid_end()
        if not follower.wait_for(end, _CATCH_UP_S):
            raise Broken(f"{follower.name} does not catch up with {leader.name}")


def _persists_read_only(server: Server) -> bool:
    if server.dialect.persist_read_only is None:
        return False
    names = "SELECT 1 FROM performance_schema.persisted_variables WHERE variable_name = 'super_read_only'"
    return bool(server.rows(names))


def _other(which: Which) -> Which:
    return "target" if which == "source" else "source"


def write_journal(bench: Bench, path: Path, direction: Direction, *, armed: bool) -> None:
    """The journal of a migration of this pair that has come to the gate before a switch in this direction."""
    journal = Journal.create(path)
    scribe = Scribe(journal)
    spec = bench.spec(path.parent.name)
    journal.append(Kind.CREATED, spec.id, spec.to_json(), actor="operator")
    described = {
        which: {"version": str(bench.sessions[which].version), "identity": bench.sessions[which].identity.uid}
        for which in WHICH
    }
    scribe.servers(described["source"], described["target"], bench.kind.positioning.value, armed)
    for entry in _history(direction):
        journal.append(*entry)
    journal.close()


def _history(direction: Direction) -> Iterator[tuple[Kind, str, dict[str, object]]]:
    yield Kind.PLAN, "before", {"positioning": "", "items": [_planned(*one) for one in RUNBOOK.items()]}
    yield Kind.STAGE, "cutover", {"rewound": False}
    for gate in ("checks", "plan"):
        yield Kind.GATE_PASSED, gate, {"decision": 0, "choice": "confirm"}
    for step in ("protect_target", "copy", "attach", "catch_up", "way_back"):
        yield Kind.OUTCOME, step, {"outcome": "done", "note": ""}
    if direction is Direction.ROLLBACK:
        yield Kind.GATE_PASSED, "cutover", {"decision": 0, "choice": "confirm"}
        yield Kind.ATTEMPT, "1", {
            "direction": "cutover", "old": "source", "new": "target", "actor": "before", "budget_s": FENCE_S,
            "parts": [],
        }  # fmt: skip
        yield Kind.NO_RETURN, "1", {"position": "before"}
        yield Kind.ATTEMPT_ENDED, "1", {"result": "switched", "reason": ""}
        yield Kind.OUTCOME, "move_writes", {"outcome": "done", "note": ""}


def _planned(stage: Stage, item: Item) -> dict[str, object]:
    """An item of the plan: what of it is started over after a rollback or an abort rests on its stage."""
    return {
        "id": item.id, "kind": "step", "stage": stage.value, "title": item.title, "side": "both", "why": item.why,
        "writes": "on", "estimate_s": None, "basis": "", "undo": "", "statements": [],
    }  # fmt: skip
