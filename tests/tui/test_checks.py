"""The checks and their remedies: what is off, what is sent, and what stands in the journal."""

from __future__ import annotations

import pytest
from conftest import decided, decisions, foot, says, screen_text, shown
from tui_stories import BINLOG_FIX, CURED, FINDINGS

from migration.decisions import Choice, Decision, decide
from migration.fixing import digest, offers


async def test_next_is_off_while_a_finding_blocks_and_the_status_says_which(tell, opened):
    teller = tell().checks()
    async with opened(teller).run_test(size=(80, 24)) as pilot:
        await shown(pilot, "ChecksScreen")
        await pilot.press("n")
        status, keys = foot(pilot)
        assert status.startswith("Next is off, ⏎ opens why: FAIL binlog_format is ROW: MIXED and 1 more")
        assert "(n Next)" in keys
    assert decisions(teller.path) == []


async def test_next_confirms_the_checks_once_nothing_blocks(tell, opened):
    teller = tell().checks(CURED)
    async with opened(teller).run_test(size=(80, 24)) as pilot:
        await shown(pilot, "ChecksScreen")
        await pilot.press("n")
        record = await decided(pilot, teller.path)
        assert (record.subject, record.body["choice"]) == ("checks", "confirm")
        assert "@" in record.actor


async def test_running_again_is_a_decision(tell, opened):
    teller = tell().checks()
    async with opened(teller).run_test(size=(80, 24)) as pilot:
        await shown(pilot, "ChecksScreen")
        await pilot.press("r")
        assert (await decided(pilot, teller.path)).body["choice"] == "recheck"


async def test_a_waiver_needs_a_reason_and_esc_writes_nothing(tell, opened):
    teller = tell().checks()
    async with opened(teller).run_test(size=(80, 24)) as pilot:
        await shown(pilot, "ChecksScreen")
        await pilot.press("down", "enter")
        await shown(pilot, "CheckDetailScreen")
        await pilot.press("w", *"no", "escape")
        await shown(pilot, "CheckDetailScreen")
        await pilot.press("w", "space", "enter")
        assert decisions(teller.path) == []
        await pilot.press(*"known, q is harmless", "enter")
        record = await decided(pilot, teller.path)
        assert (record.subject, record.body["choice"]) == ("target_login", "waive")
        assert record.body["reason"] == "known, q is harmless"
        teller.scribe.note("seen")
        await says(pilot, "Accepted by")
        await pilot.press("escape")
        await shown(pilot, "ChecksScreen")
        await says(pilot, "accepted")


async def test_a_fix_shows_its_statement_and_runs_on_apply_only(tell, opened):
    teller = tell().checks()
    async with opened(teller).run_test(size=(80, 24)) as pilot:
        await shown(pilot, "ChecksScreen")
        await pilot.press("enter")
        await shown(pilot, "CheckDetailScreen")
        await says(pilot, BINLOG_FIX.statement)
        await says(pilot, BINLOG_FIX.undo)
        await pilot.press("u", "enter", "down")
        assert decisions(teller.path) == []
        await pilot.press("A")
        record = await decided(pilot, teller.path)
        assert (record.subject, record.body["choice"]) == ("binlog_format", "fix")
        teller.scribe.fix("binlog_format", "applied", BINLOG_FIX)
        await says(pilot, "u takes it back")
        await pilot.press("A", "u")
        assert (await decided(pilot, teller.path, 2)).body["choice"] == "undo_fix"


async def test_all_changes_are_listed_before_any_is_made(tell, opened):
    teller = tell().checks()
    async with opened(teller).run_test(size=(80, 24)) as pilot:
        await shown(pilot, "ChecksScreen")
        await pilot.press("F")
        await shown(pilot, "FixAllScreen")
        await says(pilot, BINLOG_FIX.statement)
        await says(pilot, "A makes 2 changes")
        await pilot.press("down", "down", "enter")
        assert decisions(teller.path) == []
        await pilot.press("A")
        record = await decided(pilot, teller.path)
        assert record.body["choice"] == "fix_all"
        assert record.body["shown"] == digest(offers(FINDINGS))


async def test_nothing_to_fix_is_no_key(tell, opened):
    teller = tell().checks(CURED)
    async with opened(teller).run_test(size=(80, 24)) as pilot:
        await shown(pilot, "ChecksScreen")
        await pilot.press("F")
        await pilot.pause()
        await shown(pilot, "ChecksScreen")
        assert "(F Fix…)" in foot(pilot)[1]


async def test_the_cursor_stays_on_its_check_when_the_order_changes(tell, opened):
    teller = tell().checks()
    async with opened(teller).run_test(size=(80, 24)) as pilot:
        await shown(pilot, "ChecksScreen")
        await pilot.press("down", "down")
        await says(pilot, "─── every table has a primary key")
        for found in CURED:
            if found.check in ("binlog_format", "target_login"):
                teller.scribe.finding(found)
        await says(pilot, "1 WARN   10 OK")
        assert "─── every table has a primary key" in screen_text(pilot)


async def test_a_refusal_of_the_runner_is_shown(tell, opened):
    teller = tell().checks(CURED)
    async with opened(teller).run_test(size=(80, 24)) as pilot:
        await shown(pilot, "ChecksScreen")
        await pilot.press("n")
        record = await decided(pilot, teller.path)
        teller.scribe.refused("checks", record.seq, "the findings are older than 10 minutes")
        await says(pilot, "The runner refused: the findings are older than 10 minutes")


@pytest.mark.parametrize("findings", [FINDINGS, CURED], ids=["blocked", "fine"])
async def test_an_observer_decides_nothing(tell, opened, findings):
    teller = tell().checks(findings)
    async with opened(teller, observer=True).run_test(size=(80, 24)) as pilot:
        await shown(pilot, "ChecksScreen")
        for keys in (("r",), ("n",), ("x", *"cancel", "enter"), ("enter", "A"), ("w", *"why", "enter")):
            assert foot(pilot)[0].startswith("OBSERVER")
            await pilot.press(*keys)
            await pilot.pause()
    assert decisions(teller.path) == []


async def test_the_status_says_so_when_the_journal_cannot_be_written(tell, opened, monkeypatch):
    teller = tell().checks(CURED)

    def refuse(path: object, decision: Decision, terminal: str) -> int:
        teller.path.chmod(0o600)
        return decide(teller.path.with_name("gone.db"), decision)

    monkeypatch.setattr("tui.desk.decide", refuse)
    async with opened(teller).run_test(size=(80, 24)) as pilot:
        await shown(pilot, "ChecksScreen")
        await pilot.press("n")
        await says(pilot, "Not written: There is no journal at")
        assert Choice.CONFIRM not in [record.body["choice"] for record in decisions(teller.path)]
