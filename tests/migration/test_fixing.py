"""Changes for checks on real servers: all that were listed, taken back, and what was set aside created again."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from migration import fixing
from migration.check import Fix
from migration.checks import parameters
from migration.decisions import Choice, Decision, decide
from migration.gatekeeper import Cancelled, Gatekeeper
from migration.inbox import Inbox
from migration.journal import JournalReader, Kind, Record
from migration.model import Positioning, Side
from migration.runbooks.mysql_replication import CHECKS, RUNBOOK
from migration.steps import finish
from providers.mysql.errors import StatementFailed
from providers.mysql.server import Server
from tests.support.moving import Moving, migration_over, moving
from tests.support.waiting import until

SMALL = 1 << 20
ONLY_PACKET = replace(RUNBOOK, checks=(parameters.packet,))
CREATE = "CREATE DEFINER=`cutover`@`%` TRIGGER `q``uote [red]` BEFORE INSERT ON `orders` FOR EACH ROW SET @seen = 'é\"'"
TRIGGER = Fix(
    side=Side.SOURCE,
    statement="DROP TRIGGER `q``uote [red]`",
    undo=CREATE,
    setting="shop.q`uote [red]",
    was="there",
    becomes="set aside",
    reach="whoever writes to shop.orders",
    set_aside=True,
    session=("USE `shop`", "SET sql_mode = 'ANSI_QUOTES,NO_ZERO_DATE'"),
)


@pytest.fixture(scope="module", params=["mariadb-10.11", "mysql-9.7"])
def pair(request: pytest.FixtureRequest, engine_names: tuple[str, ...]) -> Iterator[Moving]:
    with moving(request.param, request.param, Positioning.GTID) as made:
        yield made


@pytest.fixture
def gate(pair: Moving) -> Iterator[Callable[[Decision], Record]]:
    """The gate of the checks, held open; send it a decision and get what it wrote in answer."""
    m = migration_over(pair.journal, pair.m.spec, pair.m.secrets, pair.desk)
    with JournalReader(pair.journal) as reader:
        before = reader.last_seq()
    inbox = Inbox(pair.journal, before, lambda: False)

    def hold() -> None:
        with pytest.raises(Cancelled):
            Gatekeeper(ONLY_PACKET, replace(m, desk=inbox), inbox).hold(CHECKS)

    thread = threading.Thread(target=hold)
    thread.start()
    until(lambda: _after(pair, Kind.GATE_OPENED, before), "the gate is open")

    def send(decision: Decision) -> Record:
        seq = decide(pair.journal, decision)
        wanted = (Kind.REFUSED, Kind.FINDING)
        return until(lambda: next(iter(_after(pair, wanted, seq)), None), "an answer")

    yield send
    decide(pair.journal, Decision(Choice.CANCEL))
    thread.join()
    inbox.close()
    m.source.close()
    m.target.close()
    m.scribe.journal.close()


def _after(pair: Moving, kinds: Kind | tuple[Kind, ...], seq: int) -> list[Record]:
    wanted = (kinds,) if isinstance(kinds, Kind) else kinds
    return [one for one in pair.m.scribe.journal.records() if one.seq > seq and one.kind in wanted]


@pytest.fixture
def small(pair: Moving) -> Iterator[str]:
    """The target takes smaller packets than the source, until a fix."""
    was = pair.m.target.variable("max_allowed_packet") or ""
    pair.m.target.change(f"SET GLOBAL max_allowed_packet = {SMALL}")
    yield was
    pair.m.target.change(f"SET GLOBAL max_allowed_packet = {was}")


def packet(pair: Moving) -> int:
    return int(pair.m.target.variable("max_allowed_packet") or 0)


def test_all_that_was_listed_is_made_and_can_be_taken_back(
    pair: Moving, small: str, gate: Callable[[Decision], Record]
) -> None:
    listed = fixing.offers(pair.m.story().findings())
    assert [(one.check, one.fix.setting) for one in listed] == [("packet", "max_allowed_packet")]

    stale = gate(Decision(Choice.FIX_ALL, "checks", shown="another list"))
    assert (stale.kind, packet(pair)) == (Kind.REFUSED, SMALL)
    assert "look at it again" in stale.body["why"]

    assert gate(Decision(Choice.FIX_ALL, "checks", shown=fixing.digest(listed))).kind is Kind.FINDING
    assert packet(pair) > SMALL
    assert fixing.offers(pair.m.story().findings()) == ()
    assert [fix.was for fix in fixing.made(pair.m, "packet")] == [str(SMALL)]

    assert gate(Decision(Choice.UNDO_FIX, "packet")).kind is Kind.FINDING
    assert packet(pair) == SMALL
    assert fixing.made(pair.m, "packet") == ()
    assert "nothing to undo" in gate(Decision(Choice.UNDO_FIX, "packet")).body["why"]


def _trigger(server: Server) -> tuple[object, ...] | None:
    rows = server.rows(
        "SELECT sql_mode, action_statement, definer FROM information_schema.triggers WHERE trigger_schema = 'shop' "
        "AND trigger_name = %s",
        ("q`uote [red]",),
    )
    return rows[0] if rows else None


def test_what_is_set_aside_comes_back_as_it_was(pair: Moving) -> None:
    m, source = pair.m, pair.m.source
    source.change("USE shop")
    source.change("SET SESSION sql_mode = 'ANSI_QUOTES,NO_ZERO_DATE'")
    source.change(CREATE)
    was = _trigger(source)
    assert was is not None

    fixing.apply(m, "triggers", (TRIGGER,))
    assert _trigger(source) is None
    fixing.undo(m, "triggers")
    assert _trigger(source) == was

    fixing.apply(m, "triggers", (TRIGGER,))
    assert len(fixing.set_aside(m)) == 1
    assert CREATE in finish.statements(m)
    # The writes are on the source here, as after a rollback: it comes back where they are.
    fixing.create_again(m, source)
    assert _trigger(source) == was
    assert fixing.set_aside(m) == ()


def test_what_is_there_already_counts_as_created_again(pair: Moving) -> None:
    m = pair.m
    lost = replace(TRIGGER, setting="shop.twice", statement="DROP TRIGGER `twice`",
                   undo="CREATE TRIGGER `twice` BEFORE INSERT ON `orders` FOR EACH ROW SET @x = 1")  # fmt: skip
    m.source.change("USE shop")
    m.source.change(lost.undo)
    fixing.apply(m, "triggers", (lost,))
    # The answer to an earlier try was lost, and it had been carried out.
    m.source.change(lost.undo)
    fixing.create_again(m, m.source)
    assert fixing.set_aside(m) == ()


def test_a_change_that_is_refused_leaves_its_intent_in_the_journal(pair: Moving) -> None:
    m = pair.m
    wrong = replace(TRIGGER, setting="shop.absent", statement="DROP TRIGGER `absent`", set_aside=False)
    with pytest.raises(StatementFailed, match=r"absent|does not exist"):
        fixing.apply(m, "absent", (wrong,))
    states = [one.body["state"] for one in m.scribe.journal.records() if one.subject == "absent"]
    assert states == ["applying"]
