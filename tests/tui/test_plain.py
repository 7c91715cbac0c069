"""`--plain`: lines that tell everything, answers that decide it, and what the end of the input does not end."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import decisions
from tui_stories import CURED, Clock, Teller, finding

from migration.check import Verdict
from migration.journal import RunnerSeat
from migration.view import Guide
from tests.support.lines import Talk

CUTOVER = str(Path(sys.executable).with_name("cutover"))
STEERING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


@pytest.fixture
def teller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Teller]:
    """A journal with true times that another process finds; its runner is this process."""
    monkeypatch.setenv("CUTOVER_STATE", str(tmp_path / "state"))
    made = Teller(Clock(), "m1")
    yield made
    made.close()


@pytest.fixture
def talk() -> Iterator[list[Talk]]:
    made: list[Talk] = []
    yield made
    for each in made:
        each.screen.close()


def begin(talk: list[Talk], *arguments: str) -> Talk:
    talk.append(Talk([CUTOVER, *arguments]))
    return talk[-1]


def test_a_dumb_terminal_is_spoken_to_in_lines(teller, talk):
    teller.plan()
    teller.scribe.note("bad \x1b[2J \x9b31m [b] name", "error")
    said = begin(talk, "resume", "m1")
    text = said.until("Enter:$")
    for line in (
        r"^Question: run this plan\?$",
        "^Consequence: The replica is built; clients go on.$",
        r"^1\. Approve this plan and carry it out$",
        r"^2\. Cancel the migration",
        r"^q\. Leave; the migration goes on\.$",
        "^Step 2: copy 1,412 tables",
        r"^\d\d:\d\d:\d\dZ FAIL bad ␛\[2J �31m \[b\] name$",
    ):
        assert re.search(line, text, re.MULTILINE), line
    said.answer("s")
    said.until("CREATE USER 'repl'@'%'")
    said.answer("nonsense")
    said.until("nonsense is none of the answers")
    said.choose("Approve")
    said.until("Sent to the runner: confirm")
    said.answer("q")
    assert said.ended() == 0
    assert "m1 goes on without you; `cutover resume m1 --plain` brings you back." in said.lines
    assert not STEERING.search(said.lines)
    [record] = decisions(teller.path)
    assert (record.subject, record.body["choice"], record.body["shown"]) == ("plan", "confirm", "9f31c2d0a4b7e6f1")


GUIDE = Guide("Cancel takes it all back.", "Approving without reading what it runs.")


def explained(teller: Teller) -> None:
    """A gate that says more of itself."""
    teller.plan()
    teller.scribe.gate_opened(
        "plan", title="approve the plan", question="Run it?", consequence="", word="", choices=("confirm",),
        why="Nothing runs that nobody has read.", guide=GUIDE,
    )  # fmt: skip


def test_the_guide_is_said_when_asked_for(teller, talk):
    explained(teller)
    said = begin(talk, "resume", "m1", "--plain")
    assert "What people get wrong: " not in said.until("Enter:$")
    said.answer("g")
    said.until("^What people get wrong: Approving without reading what it runs.")
    for line in ("Guide to: approve the plan.", "Why: Nothing runs that nobody has read.", f"Undo: {GUIDE.undo}"):
        assert line in said.lines


def test_the_guide_is_said_unasked_where_it_is_on(teller, talk):
    explained(teller)
    said = begin(talk, "resume", "m1", "--plain", "--guide")
    text = said.until("Enter:$")
    assert "Why: Nothing runs that nobody has read." in text
    assert text.index("Undo: ") < text.index("1. Approve")


def test_the_name_is_typed_and_a_line_stops_the_countdown(teller, talk):
    teller.lag()
    said = begin(talk, "resume", "m1", "--plain")
    said.choose("Cut over: move the writes to orders-new")
    said.until("^Type orders-db to confirm")
    said.answer("yes")
    said.until("Nothing was changed")
    said.choose("Cut over")
    said.answer("orders-db")
    said.until("It starts in 5 s. Enter stops it.")
    said.answer("")
    said.until("Stopped. Nothing was changed.")
    assert decisions(teller.path) == []
    said.choose("Cut over")
    said.answer("orders-db")
    said.until("Sent to the runner: confirm")
    [record] = decisions(teller.path)
    assert (record.subject, record.body["choice"], record.body["typed"]) == ("cutover", "confirm", "orders-db")


def test_what_does_not_hold_yet_keeps_the_cutover_back(teller, talk):
    teller.lag(held=False)
    said = begin(talk, "resume", "m1", "--plain")
    said.until("WAIT lag 7.2 s is above 5 s")
    said.choose("Cut over")
    said.until("^Not yet: lag 7.2 s is above 5 s. Nothing was changed.")
    assert decisions(teller.path) == []


def test_a_finding_that_blocks_is_accepted_with_a_reason(teller, talk):
    teller.checks()
    said = begin(talk, "resume", "m1", "--plain")
    text = said.until("Enter:$")
    assert "FAIL binlog_format is ROW: MIXED (blocks). Set it to ROW." in text
    assert not re.search("^1. Go on", text, re.MULTILINE)
    said.choose("Accept a finding")
    said.until(r"Which finding\? 1 binlog_format is ROW; 2 ")
    said.answer("1")
    said.until("Why is it acceptable")
    said.answer("tested last week")
    said.until("Sent to the runner: waive")
    said.until("accepted binlog_format: tested last week")
    said.until(r"binlog_format is ROW: MIXED \(accepted\)")
    [record] = decisions(teller.path)
    assert (record.subject, record.body["reason"]) == ("binlog_format", "tested last week")


def test_a_rollback_asks_for_the_reason_and_the_name(teller, talk):
    teller.after()
    said = begin(talk, "resume", "m1", "--plain")
    said.choose("Roll back")
    said.until("Why are you rolling back")
    said.answer("checkout is slow")
    said.until("Type orders-new to confirm")
    said.answer("orders-new")
    said.until("Sent to the runner: roll back")
    [record] = decisions(teller.path)
    assert (record.body["choice"], record.body["typed"], record.body["reason"]) == (
        "roll_back", "orders-new", "checkout is slow",
    )  # fmt: skip


def test_a_running_switch_is_stopped_by_a_letter(teller, talk):
    teller.lag().switching(2)
    said = begin(talk, "resume", "m1", "--plain")
    said.until("Type s and Enter to STOP and give the writes back to orders-db.")
    said.answer("s")
    said.until("Sent to the runner: abort")
    teller.scribe.no_return(1, "3e11fa47:1-5")
    said.until("Past the point of no free return")


def test_the_end_of_the_input_ends_nothing_else(teller):
    teller.plan()
    answer = subprocess.run([CUTOVER, "resume", "m1"], input="", capture_output=True, text=True, timeout=30)
    assert answer.returncode == 0
    assert "m1 goes on without you; `cutover resume m1 --plain` brings you back." in answer.stdout
    assert answer.stderr == ""
    assert decisions(teller.path) == []
    assert RunnerSeat(teller.path).taken()


def test_the_end_of_the_input_in_a_countdown_starts_nothing(teller):
    teller.lag()
    answers = "1\norders-db\n"
    answer = subprocess.run([CUTOVER, "resume", "m1"], input=answers, capture_output=True, text=True, timeout=30)
    assert "It starts in 5 s" in answer.stdout
    assert "goes on without you" in answer.stdout
    assert decisions(teller.path) == []


def test_an_observer_is_told_everything_and_asked_nothing(teller):
    teller.ended()
    answer = subprocess.run(
        [CUTOVER, "watch", "m1", "--plain"], stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    assert answer.returncode == 0
    assert "Complete: the target has the writes" in answer.stdout
    assert "188,204 writes acknowledged, 0 of them lost" in answer.stdout
    assert "Question" not in answer.stdout


def test_a_reader_that_goes_is_no_error(teller):
    teller.lag()
    watching = subprocess.Popen([CUTOVER, "watch", "m1", "--plain"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert watching.stdout is not None
    watching.stdout.readline()
    watching.stdout.close()
    teller.scribe.note("one more line")
    assert watching.wait(20) == 0
    assert watching.stderr is not None
    assert watching.stderr.read() == b""


def test_without_anything_to_read_an_operator_is_sent_away(teller):
    teller.plan()
    answer = subprocess.run([CUTOVER, "resume", "m1"], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert answer.returncode == 2
    assert answer.stderr.startswith("cutover: There is no terminal here and nothing to read answers from")


def test_passwords_are_not_echoed_and_a_server_that_fails_makes_no_migration(teller, talk, tmp_path):
    said = begin(talk)
    said.until("n. A new migration")
    said.answer("n")
    asked = {"name": "", "host": "127.0.0.1", "port": "1", "user": "root", "account": "repl", "TLS": ""}
    for side in ("source", "target"):
        if side == "source":
            for prompt, text in (("Name of the migration", "m2"), ("Environment", "")):
                said.until(f"^{prompt}")
                said.answer(text)
        for prompt, text in asked.items():
            said.until(f"^{side}: {prompt}")
            said.answer(text)
        said.until(f"^{side}: password, not shown")
        said.answer("planted-secret")
        said.until(f"{side}: password of the account that replicates")
        said.answer("planted-secret-2")
    said.until("Not every answer was OK. No migration was made.")
    assert said.ended() == 0
    assert "planted-secret" not in said.lines
    assert not (tmp_path / "state" / "migrations" / "m2").exists()


def test_presenter_mode_holds_for_lines_too(teller, talk):
    teller.checks((finding("x", "x", Verdict.FAILED, "orders.audit on orders-db"), *CURED))
    said = begin(talk, "resume", "m1", "--plain", "--presenter")
    said.until("Enter:$")
    said.answer("q")
    assert said.ended() == 0
    assert "host-1" in said.lines
    assert [name for name in ("orders", "bastion-1", "10.2.0", "m1") if name in said.lines] == []
    document = subprocess.run([CUTOVER, "watch", "m1", "--json", "--presenter"], capture_output=True, text=True)
    assert json.loads(document.stdout)["source"]["name"] == "host-1"
    assert "orders-db" not in document.stdout
