"""The wizard in a real terminal, from the command to completion and back, by the keys that it shows."""

from __future__ import annotations

import re

import pytest

from migration.sessions import sessions
from tests.rehearsals.command import CUTOVER, watch_json
from tests.support.terminal import Terminal, terminal

ENGINE = "mariadb-10.11"
REHEARSE = [CUTOVER, "rehearse", "--source-engine", ENGINE, "--target-engine", ENGINE]
ENTER, ESCAPE = "\r", "\x1b"


def shown_key(screen: Terminal, label: str) -> str:
    """The key that the last line offers for something; it must not be off."""
    line = screen.wait_for(rf"(\S+) {re.escape(label)}(?! \(off\))").splitlines()[-1]
    found = re.search(rf"(\S+) {re.escape(label)}", line)
    assert found is not None, line
    return {"⏎": ENTER}.get(found[1], found[1])


def go_on(screen: Terminal, label: str) -> None:
    """Press what the screen offers under a label."""
    screen.press(shown_key(screen, label))


def confirm(screen: Terminal, word: str) -> None:
    """Type a word and let the countdown run out."""
    screen.wait_for("is not typed yet")
    screen.press(*word)
    screen.wait_for("✓ typed")
    go_on(screen, "Start countdown")


def leave(screen: Terminal) -> None:
    """Leave by the key that is offered for it."""
    go_on(screen, "Leave")
    assert screen.process.wait(30) == 0


def to_the_cutover(screen: Terminal) -> None:
    screen.wait_for("Nothing blocks")
    go_on(screen, "Next")
    screen.wait_for(r"Plan [0-9a-f]{6}")
    go_on(screen, "Approve")
    screen.wait_for("Ready when you are", 60)
    go_on(screen, "Cut over…")
    confirm(screen, "source")
    screen.wait_for(r"Can I still go back\?\s+YES", 60)


@pytest.mark.long
def test_from_the_first_check_to_completion(engine_names: tuple[str, ...]) -> None:
    with terminal(REHEARSE) as screen:
        to_the_cutover(screen)
        screen.wait_for(r"Lost writes\s+0")
        go_on(screen, "Complete…")
        confirm(screen, "complete")
        screen.wait_for("(?i)completed|the target has the writes and replication has ended", 60)
        leave(screen)

    told = watch_json(sessions()[0].id)
    assert told["end"] == "completed"
    assert told["figures"]["lost_writes"] == 0
    assert told["figures"]["both_writable_ms"] == 0


@pytest.mark.long
def test_back_again_by_rollback(engine_names: tuple[str, ...]) -> None:
    with terminal(REHEARSE) as screen:
        to_the_cutover(screen)
        go_on(screen, "Roll back…")
        screen.wait_for("(?i)why")
        screen.press(*"checkout is slow", ENTER)
        screen.wait_for("Tab Other keys")
        confirm(screen, "target")
        screen.wait_for("Complete…", 60)
        leave(screen)

    told = watch_json(sessions()[0].id)
    assert [attempt["direction"] for attempt in told["attempts"]] == ["cutover", "rollback"]
    assert told["primary"] == "source"


def test_escape_changes_nothing(engine_names: tuple[str, ...]) -> None:
    with terminal(REHEARSE) as screen:
        name = re.search(r"rehearsal-[\w-]+", screen.wait_for("Nothing blocks"))
        assert name is not None
        before = watch_json(name[0])["last_seq"]
        for key, sign in (("l", r"(?:\n Log|runner \d+ started)"), ("?", "Keys here"), (ENTER, r"\n +Asked ")):
            screen.press(key)
            screen.wait_for(sign)
            screen.press(ESCAPE)
            # A key that comes on the heels of Escape is read as one chord with it.
            screen.wait_until_gone(sign)
            screen.wait_for("Nothing blocks")
        leave(screen)

    assert watch_json(name[0])["last_seq"] == before
