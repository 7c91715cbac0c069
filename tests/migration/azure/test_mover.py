"""The promotion: asked once, looked for where its answer is lost, and never taken for done."""

from __future__ import annotations

import threading

import pytest

from migration.azure import mover
from migration.cutover.attempt import Aborted
from providers.sandbox.api.faults import Fault, Kind
from providers.sandbox.azure_api.faults import Ending
from tests.migration.azure.conftest import Bench, Rent, following
from tests.migration.azure.rows import busy, has
from tests.support.waiting import until

UPDATE = "flexible:Servers_Update"


def test_it_is_promoted_with_everything(rent: Rent) -> None:
    with following(rent()) as one:
        one.m.source.change("REPLACE INTO shop.orders VALUES (2, 'the last')")
        mover.switch(one.m, one.attempt())
        assert has(one.m.target, 2)
        assert not one.m.target.read_only().clients
        assert one.made(UPDATE) == 1
        assert one.m.story().attempts[-1].result == "switched"


def test_who_still_writes_keeps_it_from_being_promoted(rent: Rent) -> None:
    with following(rent()) as one:
        one.desk.stopped = lambda: bool(one.m.scribe.journal.samples("progress"))
        with busy(one.m.source), pytest.raises(Aborted, match="is not quiet"):
            mover.switch(one.m, one.attempt())
        assert one.made(UPDATE) == 0
        assert one.m.target.read_only().clients
        assert one.m.story().attempts[-1].result == "aborted"


def test_a_promotion_that_fails_leaves_the_writes_where_they_are(rent: Rent) -> None:
    with following(rent()) as one:
        one.fails(Ending.FAIL, UPDATE, message="It broke")
        with pytest.raises(Aborted, match="It broke"):
            mover.switch(one.m, one.attempt())
        last = one.m.story().attempts[-1]
        assert (last.result, last.past_no_return) == ("aborted", False)
        # And it can be tried again.
        mover.switch(one.m, one.attempt(2))
        assert one.m.story().attempts[-1].result == "switched"


@pytest.mark.parametrize("how", ["vanish", "lose"])
def test_a_promotion_of_which_nothing_is_heard_is_seen_by_the_role(rent: Rent, how: str) -> None:
    with following(rent()) as one:
        if how == "vanish":
            one.fails(Ending.VANISH, UPDATE)
        else:
            one.simulator.faults.add(Fault(Kind.LOSE, UPDATE))
        mover.switch(one.m, one.attempt())
        assert one.made(UPDATE) == 1
        assert one.m.story().attempts[-1].result == "switched"


def test_a_runner_that_died_after_the_call_goes_on_and_does_not_call_again(rent: Rent) -> None:
    with following(rent()) as one:
        attempt = one.attempt()
        one.m.scribe.attempt(
            1, attempt.direction, old="source", new="source-tier", actor="test", budget_s=1.0, parts=mover.parts(one.m)
        )
        assert one.m.scribe.no_return(1, "the promotion")
        write = one.account.service.promote(one.account.replica)
        assert write is not None
        one.account.begin(write)
        assert mover.settle(one.m, attempt)
        assert one.m.story().attempts[-1].result == "switched"
        assert not one.m.target.read_only().clients


def test_a_runner_that_died_before_it_changes_nothing(rent: Rent) -> None:
    with following(rent()) as one:
        attempt = one.attempt()
        one.m.scribe.attempt(
            1, attempt.direction, old="source", new="source-tier", actor="test", budget_s=1.0, parts=mover.parts(one.m)
        )
        assert not mover.settle(one.m, attempt)
        assert one.made(UPDATE) == 0
        assert one.m.target.read_only().clients


def test_a_person_promotes_on_the_classic_service_and_it_is_seen(rent: Rent) -> None:
    with following(rent("classic", sku="MP1"), "MS6") as one:
        pressed = threading.Thread(target=lambda: _press_once_asked(one))
        pressed.start()
        mover.switch(one.m, one.attempt())
        pressed.join()
        notes = [record.body["text"] for record in one.m.scribe.journal.records() if record.kind == "note"]
        assert any("choose Replicate, then Upgrade" in note for note in notes)
        assert not one.m.target.read_only().clients
        assert one.made("classic:Databases_Create") == 1


def _press_once_asked(one: Bench) -> None:
    until(lambda: one.m.story().attempts and one.m.story().attempts[-1].past_no_return, "being asked", 30)
    one.simulator.promote("source-tier")


def test_a_person_who_does_not_promote_can_give_it_up(rent: Rent) -> None:
    with following(rent("classic", sku="MP1"), "MS6") as one:
        one.desk.stopped = lambda: bool(one.m.story().attempts) and one.m.story().attempts[-1].past_no_return
        with pytest.raises(Aborted, match="do not press Upgrade any more"):
            mover.switch(one.m, one.attempt())
        assert one.m.story().attempts[-1].result == "aborted"
        assert one.m.target.read_only().clients
