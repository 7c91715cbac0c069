"""What a plan does otherwise than another, and the plan as a document."""

from __future__ import annotations

from dataclasses import replace

import pytest

from migration.model import Side, Stage, Writes
from migration.plan_document import no_return, to_markdown
from migration.planning import drift
from migration.story import Story
from migration.view import Guide, MigrationView, Plan, PlanItem


def item(name: str, title: str, kind: str = "step", **fields: object) -> PlanItem:
    made = PlanItem(
        name, kind, Stage.CREATE, title, Side.TARGET, f"Because of {name}.", Writes.ON, 90.0, "its size", "drop it",
        (f"DO {name}",), Guide("It can be dropped.", "Doing it twice."),
    )  # fmt: skip
    return replace(made, **fields)  # type: ignore[arg-type]


COPY, FOLLOW = item("copy", "copy the rows"), item("follow", "let it follow")
GATE = item("cutover", "move the writes", "gate", statements=(), estimate_s=None)
MOVE = item("switch", "fence and open", "switch", writes=Writes.SWITCH, undo="rollback", estimate_s=0.1)
PLAN = Plan("abc123", "gtid", (COPY, FOLLOW, GATE, MOVE))


def changed(*items: PlanItem, positioning: str = "gtid") -> Plan:
    return Plan("def456", positioning, items)


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (PLAN, ()),
        (changed(COPY, GATE, MOVE), ("gone: let it follow",)),
        (changed(COPY, item("more", "look twice"), FOLLOW, GATE, MOVE), ("new: look twice",)),
        (changed(FOLLOW, COPY, GATE, MOVE), ("the steps are in another order",)),
        (changed(*PLAN.items, positioning="file"), ("gtid → file for positions",)),
        (changed(*PLAN.items), ("a server is another one than before",)),
        (
            changed(replace(COPY, statements=("DO copy", "DO more")), FOLLOW, GATE, MOVE),
            ("copy the rows: + DO more",),
        ),
        (
            changed(replace(COPY, statements=("A", "B", "C")), FOLLOW, GATE, MOVE),
            ("copy the rows: - DO copy; + A; + B and 1 more",),
        ),
        (
            changed(COPY, replace(FOLLOW, writes=Writes.OFF, undo=""), GATE, MOVE),
            ("let it follow: writes on → OFF", "let it follow: undo drop it → -"),
        ),
    ],
)
def test_what_drifted_is_said(now: Plan, said: tuple[str, ...]) -> None:
    assert drift(PLAN, now) == said


@pytest.fixture
def view() -> MigrationView:
    from migration.model import MigrationSpec, ServerSpec

    end = ServerSpec("orders_db|*", "10.2.0.10", 3306, "migrator", "repl")
    story = Story(spec=MigrationSpec("orders", "mysql_replication", "PROD", end, replace(end, name="orders-new")))
    story.plan = PLAN
    return story.view(True)


def test_the_document_has_the_two_lines_the_writes_and_what_estimates_rest_on(view: MigrationView) -> None:
    text = to_markdown(view, PLAN)

    rows = [line for line in text.splitlines() if line.startswith("|")]
    at = {name: next(n for n, row in enumerate(rows) if name in row) for name in ("let it follow", "fence and open")}
    decide = next(n for n, row in enumerate(rows) if "you decide when: move the writes" in row)
    back = next(n for n, row in enumerate(rows) if "only a rollback leads back" in row)
    assert at["let it follow"] < decide < at["fence and open"] < back
    assert "| 1 | copy the rows | target | 2 m | its size | on | drop it |" in rows
    assert "**OFF→on**" in rows[at["fence and open"]]
    assert "Only the plan with this hash is run." in text
    assert "- `DO copy`" in text
    assert "What people get wrong: Doing it twice." in text


def test_what_servers_are_called_marks_nothing_up(view: MigrationView) -> None:
    assert r"orders_db\|\*" in to_markdown(view, PLAN)


def test_where_there_is_no_way_back_the_line_says_so() -> None:
    assert no_return(MOVE) == "point of no free return: only a rollback leads back"
    assert no_return(replace(MOVE, undo="-")) == "point of no return: there is no way back"
    assert no_return(replace(MOVE, undo="")) == no_return(replace(MOVE, undo="-"))
