"""Which screen is shown as a migration goes on, and what the operator can look at meanwhile."""

from __future__ import annotations

import pytest
from conftest import decided, decisions, foot, says, screen_text, shown, until
from tui_stories import NOW, PARTS

from migration.model import Direction, End, Outcome, Stage
from migration.records import Scribe, part_outcome
from tui.text import width
from tui.widgets.lines import Lines


async def test_the_screens_follow_the_migration_from_the_checks_to_the_end(tell, opened):
    teller = tell().checks()
    async with opened(teller).run_test(size=(80, 24)) as pilot:
        await shown(pilot, "ChecksScreen")
        for chapter, name in (
            (teller.plan, "PlanScreen"),
            (teller.copy, "CopyScreen"),
            (teller.lag, "LagScreen"),
            (teller.switching, "CutoverProgressScreen"),
        ):
            chapter()
            await shown(pilot, name)
        for part, _ in PARTS[2:]:
            teller.scribe.write(part_outcome(1, part, Outcome.DONE, "", NOW, NOW + 0.1))
        teller.scribe.attempt_ended(1, "switched", "")
        teller.scribe.stage(Stage.OBSERVE)
        await shown(pilot, "AfterScreen")
        teller.scribe.ended(End.COMPLETED, "")
        await shown(pilot, "EndScreen")


async def test_an_aborted_attempt_leads_back_to_the_lag_and_says_why(tell, opened):
    teller = tell().lag().switching()
    async with opened(teller).run_test(size=(80, 24)) as pilot:
        await shown(pilot, "CutoverProgressScreen")
        teller.scribe.attempt_ended(1, "aborted", "the target did not catch up within 10 s")
        await shown(pilot, "LagScreen")
        await says(pilot, "FAIL Cutover 1 aborted 22:17:47Z: the target did not catch up")


async def test_looking_back_changes_nothing_and_stays_until_a_cutover_begins(tell, opened):
    teller = tell().copy()
    async with opened(teller).run_test(size=(80, 24)) as pilot:
        await shown(pilot, "CopyScreen")
        await pilot.press("2")
        await shown(pilot, "ChecksScreen")
        await says(pilot, "[✓ Checks]")
        assert "(n Next)" in foot(pilot)[1]
        await pilot.press("3")
        await shown(pilot, "PlanScreen")
        teller.lag()
        await says(pilot, "▶ Replicate")
        assert type(pilot.app.screen).__name__ == "PlanScreen"
        await pilot.press("escape")
        await shown(pilot, "LagScreen")
        await pilot.press("3")
        await shown(pilot, "PlanScreen")
        teller.switching()
        await shown(pilot, "CutoverProgressScreen")
    assert decisions(teller.path) == []


async def test_every_step_can_be_looked_at_from_the_first_moment(tell, opened):
    teller = tell()
    async with opened(teller).run_test(size=(120, 36)) as pilot:
        await shown(pilot, "ChecksScreen")
        for number, name in enumerate(("Servers", "Checks", "Plan", "Copy", "Lag", "Attempts", "After"), 1):
            await pilot.press(str(number))
            await shown(pilot, f"{name}Screen")
            await pilot.press("escape")
            await shown(pilot, "ChecksScreen")


async def test_stop_is_sent_once_and_is_off_past_the_point_of_no_return(tell, opened):
    teller = tell().lag().switching(2)
    async with opened(teller).run_test(size=(80, 24)) as pilot:
        await shown(pilot, "CutoverProgressScreen")
        await pilot.press("q", "l", "x", "1", "question_mark", "escape")
        assert type(pilot.app.screen).__name__ == "CutoverProgressScreen"
        await pilot.press("s")
        assert (await decided(pilot, teller.path)).body["choice"] == "abort"
        teller.scribe.no_return(1, "3e11fa47:1-5")
        await says(pilot, "s Stop, writes back to orders-db (off)")
        await says(pilot, "Past the point of no free return")
        await pilot.press("s")
    assert len(decisions(teller.path)) == 1


async def test_a_rollback_shows_the_budget_of_the_other_direction(tell, opened):
    teller = tell().after().switching(2, direction=Direction.ROLLBACK, number=2)
    async with opened(teller).run_test(size=(80, 24)) as pilot:
        await shown(pilot, "CutoverProgressScreen")
        await says(pilot, "ROLLING BACK")
        await says(pilot, "Stop, writes back to orders-new")


async def test_after_a_rollback_one_can_cut_over_again_or_complete_on_the_source(tell, opened):
    teller = tell().after().switching(len(PARTS), direction=Direction.ROLLBACK, number=2)
    async with opened(teller).run_test(size=(80, 24)) as pilot:
        teller.scribe.attempt_ended(2, "switched", "")
        teller.scribe.stage(Stage.SYNC)
        teller.scribe.gate_opened(
            "cutover",
            title="",
            question="again?",
            consequence="",
            word="orders-db",
            choices=("confirm", "complete", "drain_clients"),
        )
        await shown(pilot, "LagScreen")
        await says(pilot, "OK   Rolled back switched")
        assert "C Complete…" in foot(pilot)[1]
        assert "Cancel" not in foot(pilot)[1]
        assert width(foot(pilot)[1]) < 80
        await pilot.press("C")
        await shown(pilot, "CompleteScreen")
        await says(pilot, "orders-db has the writes")


async def test_pause_and_continue(tell, opened):
    teller = tell().copy()
    async with opened(teller).run_test(size=(80, 24)) as pilot:
        await shown(pilot, "CopyScreen")
        await pilot.press("p")
        assert (await decided(pilot, teller.path)).body["choice"] == "pause"
        await says(pilot, "p Continue")
        await pilot.press("p")
        assert (await decided(pilot, teller.path, 2)).body["choice"] == "continue"


async def test_approving_sends_the_hash_that_was_shown(tell, opened):
    teller = tell().plan()
    async with opened(teller).run_test(size=(80, 24)) as pilot:
        await shown(pilot, "PlanScreen")
        await pilot.press("a", "enter", "n")
        assert decisions(teller.path) == []
        await pilot.press("A")
        record = await decided(pilot, teller.path)
        assert (record.subject, record.body["choice"]) == ("plan", "confirm")
        assert record.body["shown"] == "9f31c2d0a4b7e6f1"


async def test_without_a_runner_every_screen_says_what_to_do(tell, opened):
    teller = tell().lag()
    teller.seat.release()
    async with opened(teller).run_test(size=(80, 24)) as pilot:
        await shown(pilot, "LagScreen")
        for key in ("", "1", "2", "3", "4", "6", "7", "l", "x"):
            if key:
                await pilot.press(key)
                await pilot.pause()
            assert foot(pilot)[0] == "No runner is at work: run `cutover resume orders-2026-11`.", key
            if key in ("l", "x"):
                await pilot.press("escape")


async def test_numbers_without_a_new_reading_turn_to_question_marks(tell, opened, clock):
    teller = tell().lag()
    async with opened(teller).run_test(size=(80, 24)) as pilot:
        await shown(pilot, "LagScreen")
        await says(pilot, "1,710 tx")
        clock.now = NOW + 2.7
        await says(pilot, "UNKNOWN: no reading for 3 s")
        text = screen_text(pilot)
        assert "Behind   ? · server says ?" in text
        assert "1,710" not in text
        assert "The cutover waits: the lag is UNKNOWN" in text


async def test_an_unknown_reading_gives_its_reason(tell, opened):
    teller = tell().lag()
    teller.reading(None, 0.1, "the target does not answer")
    async with opened(teller).run_test(size=(80, 24)) as pilot:
        await shown(pilot, "LagScreen")
        await says(pilot, "UNKNOWN: the target does not answer")


async def test_rollback_that_was_not_measured_lately_is_unknown(tell, opened, clock):
    teller = tell().after()
    async with opened(teller).run_test(size=(80, 24)) as pilot:
        await shown(pilot, "AfterScreen")
        await says(pilot, "YES")
        clock.now += 20
        await says(pilot, "Can I still go back?   UNKNOWN")


async def test_coming_back_tells_what_happened_and_goes_on(tell, opened):
    teller = tell().lag()
    async with opened(teller, welcome_back=True).run_test(size=(80, 24)) as pilot:
        await shown(pilot, "WelcomeBackScreen")
        await says(pilot, "waiting: cut over now?")
        await pilot.press("enter")
        await shown(pilot, "LagScreen")


async def test_help_lists_every_key_of_the_screen_it_was_opened_from(tell, opened):
    teller = tell().lag()
    async with opened(teller).run_test(size=(80, 50)) as pilot:
        await shown(pilot, "LagScreen")
        keys = [hint.key for hint in pilot.app.screen.hints()]
        await pilot.press("question_mark")
        await shown(pilot, "HelpScreen")
        page = pilot.app.screen.query_one("#page", Lines).plain
        for key in keys:
            assert f"\n     {key} " in page
        assert "lag" in page
        assert "runner" in page


async def test_a_journal_that_cannot_be_read_is_said_and_recovered_from(tell, opened):
    teller = tell().checks()
    gone = teller.path.with_name("moved.db")
    teller.path.rename(gone)
    async with opened(teller).run_test(size=(80, 24)) as pilot:
        await says(pilot, "UNKNOWN: There is no journal at")
        gone.rename(teller.path)
        await shown(pilot, "ChecksScreen")
        await until(pilot, lambda: "UNKNOWN: There" not in screen_text(pilot))


async def test_many_changes_become_few_paints(tell, opened):
    teller = tell().lag()
    app = opened(teller)
    async with app.run_test(size=(80, 24)) as pilot:
        await shown(pilot, "LagScreen")
        scribe: Scribe = teller.scribe
        for number in range(300):
            scribe.note(f"line {number}")
        await says(pilot, "line 299")


@pytest.mark.parametrize("chapter", ["copy", "lag", "after"])
async def test_a_failed_step_is_shown_with_its_words_and_tried_again_on_r(tell, opened, chapter):
    teller = tell()
    getattr(teller, chapter)()
    teller.scribe.gate_opened(
        "retry",
        title="start replication on the target",
        question="Try again: start replication on the target?",
        consequence="orders-new: 1045 Access denied for user 'repl'",
        word="",
        choices=("confirm", "cancel"),
    )
    async with opened(teller).run_test(size=(80, 24)) as pilot:
        await says(pilot, "FAIL start replication on the target")
        await says(pilot, "1045 Access denied")
        assert "r Try again" in foot(pilot)[1]
        await pilot.press("r")
        record = await decided(pilot, teller.path)
        assert (record.subject, record.body["choice"]) == ("retry", "confirm")


async def test_keys_of_a_failed_step_are_hidden_while_nothing_failed(tell, opened):
    teller = tell().copy()
    async with opened(teller).run_test(size=(80, 24)) as pilot:
        await shown(pilot, "CopyScreen")
        assert "Try again" not in foot(pilot)[1]
        await pilot.press("r")
        await pilot.pause()
    assert decisions(teller.path) == []
