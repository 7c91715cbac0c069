"""Two open sides between which application servers are moved: the screen says who is where, and that it is meant."""

from __future__ import annotations

import pytest
from conftest import says, screen_text, shown

from migration.model import Direction, Stage
from migration.records import part_intent
from migration.view import MOVING_SERVERS, ClientView, FiguresView


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
async def test_each_client_host_is_shown_on_either_side(tell, opened, size):
    teller = tell().lag()
    teller.at(22).scribe.gate_passed("cutover", 0, "confirm")
    parts = (("open", "let clients write on both sides"), (MOVING_SERVERS, "move application servers"))
    teller.at(21).scribe.attempt(
        1, Direction.CUTOVER, old="orders-db", new="orders-new", actor="alice", budget_s=10.0, parts=parts
    )
    teller.at(20).scribe.write(part_intent(1, MOVING_SERVERS, teller.clock.now))
    teller.at(0).scribe.clients([ClientView("app", "10.2.4.10", 0, 6), ClientView("app", "10.2.4.12", 4, 0)])
    async with opened(teller).run_test(size=size) as pilot:
        await shown(pilot, "CutoverProgressScreen")
        await says(pilot, "writes are still on, on both sides: point application servers to orders-new")
        await says(pilot, "s  STOP, then point application servers back to orders-db.")
        rows = {line.split()[0]: line.split()[1:] for line in screen_text(pilot).split("\n") if "app@" in line}
        assert rows["app@10.2.4.10"][:2] == ["0", "6"]
        assert rows["app@10.2.4.12"] == ["4", "0", "on", "old", "side"]

        teller.scribe.attempt_ended(1, "switched", "")
        teller.scribe.stage(Stage.OBSERVE)
        teller.scribe.read_only("orders-new", True, False)
        teller.scribe.figures(FiguresView(0.0, 188_204, 0, 842.0))
        await shown(pilot, "AfterScreen")
        # That both took writes is as it was meant.
        await says(pilot, "842 ms   OK")
