"""Presenter mode: planted names are searched in everything the terminal received and every file written."""

from __future__ import annotations

import dataclasses
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import decided, foot, says, screen_text, shown, until
from rich.segment import Segment
from textual.color import Color
from tui_stories import BINLOG_FIX, CURED, FINDINGS, Clock, Teller, finding

import migration.sessions
from migration.check import Fix, Verdict
from migration.fixing import digest, offers
from migration.journal import Kind
from migration.model import MigrationSpec, ServerSpec, Side
from migration.view import ClientView
from migration.watch import Watch
from tests.support.terminal import Terminal
from tui.app import CutoverApp
from tui.opening import export_report
from tui.presenter import NameFilter, Presenter
from tui.start import ConnectForm, OpenConnect, OpenMigration, OpenSessions, ProbeLine

CUTOVER = str(Path(sys.executable).with_name("cutover"))
WIDE = "顧客台帳"
HOSTILE = "pay[b]`roll'x"
PLANTED = (
    "acme-db7", "acme-new", "db7.acme.example", "10.77.3.9", "acme_admin", "acme_repl", "kundenkartei", WIDE, HOSTILE,
    "pay[b]", "acme_shop", "10.77.9.9", "alice", "bastion9", "acme-2026",
)  # fmt: skip
QUOTED = f"`kundenkartei`.`{HOSTILE.replace('`', '``')}`"


@pytest.fixture
def acme(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Teller]:
    """A migration with planted names in every corner, as the runner writes them."""
    source = ServerSpec("acme-db7", "db7.acme.example", 3306, "acme_admin", "acme_repl")
    target = ServerSpec("acme-new", "10.77.3.9", 3306, "acme_admin", "acme_repl")
    monkeypatch.setattr("tui_stories.spec", lambda name, environment: MigrationSpec(
        name, "mysql_replication", environment, source, target, databases=("kundenkartei", WIDE)
    ))  # fmt: skip
    teller = Teller(clock, "acme-2026")
    yield teller
    teller.close()


def fill(teller: Teller) -> None:
    """What checks, steps and servers say, with names in it."""
    fix = Fix(Side.SOURCE, f"ALTER TABLE {QUOTED} ADD KEY (`x`)", "", f"key of kundenkartei.{WIDE}", "none", "x", WIDE)
    rows = (("database", "table", "note"), ("kundenkartei", HOSTILE, "no key"), (WIDE, "source", "no key"))
    found = finding(
        "keys", "every table has a key", Verdict.FAILED, f"kundenkartei.{WIDE} has none", evidence=rows, fixes=(fix,),
        remedy=f"Give {QUOTED} a key.",
    )  # fmt: skip
    teller.checks((found, *FINDINGS)).at(0.4)
    teller.scribe.note(f"acme-db7: Table 'kundenkartei.{WIDE}' doesn't exist on db7.acme.example", "error")
    teller.scribe.note("acme-new: Access denied for user 'acme_admin'@'10.77.9.9' (using password: YES)", "warn")
    waiver = {"choice": "waive", "typed": "", "reason": f"alice knows {WIDE}", "shown": ""}
    teller.journal.append(Kind.DECISION, "primary_keys", waiver, actor="alice@bastion9")
    teller.scribe.statement("acme-db7", "copy", f"CREATE DATABASE `{WIDE}`", 1)
    teller.scribe.clients([ClientView("acme_shop", "10.77.9.9", 3, 1)])
    teller.scribe.progress("seed", done=1, total=2, unit="bytes", note=f"kundenkartei.{WIDE}")


# Through every screen that shows anything of a migration, and what tells that it is there.
TOUR = {
    "1": "Identity", "2": "every table has a key", "3": "drop them", "s": "Statements of plan", "\x1b": "drop them",
    "4": "412 GB", "6": "Attempts|attempt", "l": "stage sync", "?": "Keys here",
}  # fmt: skip


def leaked(text: str) -> list[str]:
    return [name for name in PLANTED if name.casefold() in text.casefold()]


def gate(teller: Teller, name: str, word: str, *choices: str) -> None:
    teller.scribe.gate_opened(
        name, title=name, question=f"move the writes from acme-db7 to acme-new at 10.77.3.9 ({WIDE})?",
        consequence="acme-db7 becomes read-only; clients of acme-new are told.", word=word, choices=choices,
    )  # fmt: skip


async def test_the_alias_is_typed_and_the_name_is_decided(acme, opened, monkeypatch):
    monkeypatch.setattr("tui.widgets.countdown.TICK_S", 0.03)
    fill(acme)
    acme.lag().at(0.3)
    gate(acme, "cutover", "acme-db7", "confirm", "cancel")
    acme.conditions("cutover", held=True, before=0.1)
    app = CutoverApp(OpenMigration(acme.path, False), clock=acme.clock, presenter=Presenter(on=True))
    async with app.run_test(size=(80, 24)) as pilot:
        await shown(pilot, "LagScreen")
        assert foot(pilot)[0].startswith("PRESENTER: names masked. ")
        await pilot.press("c")
        await shown(pilot, "CutoverConfirmScreen")
        await pilot.press(*"host-1", "enter")
        record = await decided(pilot, acme.path, 2)
        assert (record.body["choice"], record.body["typed"]) == ("confirm", "acme-db7")
        await pilot.press("P")
        await pilot.pause(0.3)
        assert "PRESENTER" in foot(pilot)[0], "who asked for it does not lose it by a key"
        assert leaked(screen_text(pilot)) == []
        assert leaked(app.export_screenshot()) == []


async def test_the_list_of_changes_that_is_approved_is_the_one_the_runner_has(acme, opened):
    fill(acme)
    app = CutoverApp(OpenMigration(acme.path, False), clock=acme.clock, presenter=Presenter(on=True))
    async with app.run_test(size=(80, 24)) as pilot:
        await shown(pilot, "ChecksScreen")
        await pilot.press("F")
        await shown(pilot, "FixAllScreen")
        assert leaked(screen_text(pilot)) == []
        await pilot.press("A")
        record = await decided(pilot, acme.path, 2)
    with Watch(acme.path) as watch:
        assert record.body["shown"] == digest(offers(watch.view().findings))


async def test_a_key_masks_and_unmasks(acme, opened):
    fill(acme)
    async with opened(acme).run_test(size=(80, 24)) as pilot:
        await shown(pilot, "ChecksScreen")
        assert "acme-db7" in screen_text(pilot)
        await pilot.press("P")
        await says(pilot, "host-1 → host-2")
        assert leaked(screen_text(pilot)) == []
        await pilot.press("P")
        await says(pilot, "acme-db7 → acme-new")


def break_a_journal(name: str) -> None:
    broken = Path(f"state/migrations/{name}/journal.db")
    broken.parent.mkdir(parents=True)
    broken.write_bytes(b"no database")


async def test_the_list_of_migrations_shows_none_of_their_names(acme, clock):
    fill(acme)
    break_a_journal("acme_repl")
    app = CutoverApp(OpenSessions(), clock=clock, presenter=Presenter(on=True))
    async with app.run_test(size=(120, 36)) as pilot:
        await says(pilot, "2 migrations on this machine")
        assert leaked(screen_text(pilot)) == []
        await pilot.press("down", "enter")
        await until(pilot, lambda: app.view is not None)
        assert leaked(screen_text(pilot)) == []


async def test_names_of_a_new_migration_are_not_echoed(clock):
    def probe(form: ConnectForm) -> tuple[ProbeLine, ...]:
        return (ProbeLine(Side.SOURCE, "FAIL", f"{form.source.host} does not answer {form.source.user}"),)

    app = CutoverApp(OpenConnect(lambda form: Path(), probe), clock=clock, presenter=Presenter(on=True))
    async with app.run_test(size=(80, 24)) as pilot:
        sides = (("source", "acme-db7", "db7"), ("target", "acme-new", "10.77.3.9"))
        values = {"migration": "acme-2026"}
        for side, name, host in sides:
            values |= {f"{side}-name": name, f"{side}-host": host, f"{side}-user": "acme_admin"}
            values[f"{side}-replication_user"] = "acme_repl"
        for name, value in values.items():
            app.screen.query_one(f"#{name}").value = value
        await pilot.press("enter")
        await says(pilot, "does not answer")
        drawn = "\n".join("".join(part.text for part in strip) for strip in app.screen._compositor.render_strips())
        assert leaked(drawn) == []
        assert "db7" not in drawn


def test_the_last_net_keeps_the_width_of_the_line(acme):
    fill(acme)
    presenter = Presenter(on=True)
    presenter.learn(acme.path)
    line = [Segment(f"a {WIDE} b acme-db7 "), Segment("c"), Segment(f" source {HOSTILE}")]
    drawn = NameFilter(presenter).apply(line, Color.parse("black"))
    text = "".join(part.text for part in drawn)
    assert leaked(text) == []
    assert sum(part.cell_length for part in drawn) == sum(part.cell_length for part in line)
    assert " source " in text
    presenter.on = False
    assert NameFilter(presenter).apply(line, Color.parse("black")) is line


@pytest.fixture
def real(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Teller]:
    """The same with true times, for a process of its own."""
    monkeypatch.setattr(migration.sessions, "state_dir", lambda: tmp_path / "state")
    source = ServerSpec("acme-db7", "db7.acme.example", 3306, "acme_admin", "acme_repl")
    target = dataclasses.replace(source, name="acme-new", host="10.77.3.9")
    spec = MigrationSpec("m1", "mysql_replication", "prod", source, target, databases=("kundenkartei", WIDE))
    monkeypatch.setattr("tui_stories.spec", lambda name, environment: spec)
    teller = Teller(Clock())
    yield teller
    teller.close()


@pytest.mark.parametrize("size", [(80, 24), pytest.param((120, 36), marks=pytest.mark.long)], ids=["80x24", "120x36"])
def test_a_terminal_receives_none_of_the_names(real, tmp_path, size):
    fill(real)
    real.lag()
    gate(real, "cutover", "acme-db7", "confirm", "cancel")
    watch = [CUTOVER, "watch", "m1", "--presenter"]
    screen = Terminal(watch, *size, env={"CUTOVER_STATE": str(tmp_path / "state"), "COLORTERM": "truecolor"})
    try:
        # Before the first reading there is another screen, which says it as well.
        screen.wait_for("PRESENTER")
        screen.wait_for("Trend")
        for key, sign in TOUR.items():
            screen.press(key)
            screen.wait_for(sign)
        process = Path(f"/proc/{screen.process.pid}")
        about = (process / "cmdline").read_text() + (process / "environ").read_text()
        assert leaked(about) == []
        screen.press("\x1b")
        screen.wait_until_gone("Keys here")
        screen.press("q")
        assert screen.process.wait(20) == 0
        received = bytes(screen.received).decode(errors="replace")
    finally:
        screen.close()
    plain = re.sub(r"\x1b\[[0-9;?<>=$]*[a-zA-Z]", "", received)
    assert "host-1" in plain
    assert leaked(received) == []
    assert leaked(plain) == []


def test_a_crash_says_nothing_of_the_names(real, tmp_path):
    fill(real)
    root = Path(__file__).resolve().parents[2]
    app = [sys.executable, str(root / "tests/tui/pty_app.py"), str(real.path), "--presenter", "--crash"]
    screen = Terminal(app, env={"PYTHONPATH": str(root)})
    try:
        assert screen.process.wait(20) == 1
        received = bytes(screen.received).decode(errors="replace")
    finally:
        screen.close()
    assert "ZeroDivisionError in crash" in received
    assert leaked(received) == []
    assert "acme" not in received


def test_the_document_for_scripts_is_masked_too(acme, clock):
    from tui.watching import document, listed

    fill(acme)
    presenter = Presenter(on=True)
    assert leaked(repr(document(acme.path, presenter, pytest.fail))) == []
    assert leaked(repr(listed(presenter))) == []
    assert leaked(repr(document(acme.path, None, pytest.fail)))


def test_the_report_that_a_key_writes_is_masked(acme):
    acme.ended()
    fill(acme)
    written = export_report(acme.path)
    assert leaked(written.read_text()) == []
    files = [path for path in acme.path.parent.iterdir() if not path.name.startswith("journal")]
    assert [path.name for path in files if leaked(path.read_bytes().decode(errors="replace"))] == []


async def test_words_of_the_screens_survive_names_that_are_the_same(tell, opened, clock, monkeypatch):
    """A rehearsal's servers are called source and target, and a table may be called `rows`."""
    plain = tell().checks(CURED)
    teller = plain
    rows = (("database", "table"), ("rows", "target"), ("lag", "key"))
    teller.scribe.finding(finding("words", "words", found="rows.target, lag.key", evidence=rows))
    teller.scribe.finding(finding("binlog", "binlog", fixes=(BINLOG_FIX,)))
    with Watch(teller.path) as watch:
        before = watch.view()
    presenter = Presenter(on=True)
    after = presenter.view(teller.path, before)
    assert [one.why for one in after.findings] == [one.why for one in before.findings]
    assert after.headline == before.headline
    assert after.findings[-2].result.evidence == (rows[0], ("db-1", "table-1"), ("db-2", "table-2"))
    assert after.findings[-2].result.found == "db-1.table-1, db-2.table-2"
