"""The operator's own keys: `keys.toml`, and where they are shown."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import decided, decisions, foot, says, screen_text, shown
from tui_stories import CURED

from tui import keymap
from tui.actions import FIXED, name_of
from tui.app import CutoverApp
from tui.config import BadConfig
from tui.start import OpenMigration

Written = Callable[[str], Path]


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Written:
    """Writes a `keys.toml`."""
    monkeypatch.setenv("CUTOVER_CONFIG", "config")

    def write(text: str) -> Path:
        path = Path("config/keys.toml")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path

    return write


def with_keys(teller, clock, **keys):
    return CutoverApp(OpenMigration(teller.path, welcome_back=False), clock=clock, keys=keys)


def test_without_a_file_every_key_is_as_it_is(monkeypatch):
    monkeypatch.setenv("CUTOVER_CONFIG", "nowhere")
    assert keymap.read_keys() == {}


def test_no_two_actions_of_a_screen_have_one_key():
    assert [(one.action, other.action, screen) for one, other, screen in keymap._clashes({})] == []


def test_the_example_is_a_file_that_changes_nothing(written):
    lines = keymap.example().splitlines()[1:]
    uncommented = "\n".join(line.removeprefix("# ") for line in lines)
    written(uncommented)
    keys = keymap.read_keys()
    assert set(keys) == {one.id for one in keymap.movable()} == set(tomllib.loads(uncommented))
    assert keys["help"] == "question_mark"
    assert keys["text"] == "f2"


def test_what_confirms_or_acts_at_once_has_no_other_key():
    assert {one.id for one in keymap.movable()}.isdisjoint(FIXED)
    every = {name_of(one) for screen in keymap.screens() for one in screen.BINDINGS if name_of(one) in FIXED}
    assert every == FIXED


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('\n\npause = "x"\n', "line 3: x is Cancel on the screen Copy; give pause another key."),
        ('pause = "8"\nlog = "8"\n', "line 2: 8 is Pause on the screen Copy; give log another key."),
        ('log = "3"\n', "line 1: 3 is Step 3: Plan on the screen"),
        ('text = "ctrl+p"\n', "line 1: ^p is Every action on the screen"),
        ('approve = "a"\n', "line 1: approve keeps its key; `cutover keys` lists those that can have another."),
        ('begin = "a"\n', "line 1: begin keeps its key"),
        ('back = "a"\n', "line 1: back keeps its key"),
        ('# x\npuase = "a"\n', "line 2: puase is no action that has a key of its own; `cutover keys` lists"),
        ('pause = "Ctrl+X"\n', 'line 1: "Ctrl+X" is no key; write one character, f1 to f12, or ctrl+ with a letter.'),
        ('pause = "enter"\n', 'line 1: "enter" is no key'),
        ('pause = " "\n', 'line 1: " " is no key'),
        ('pause = "é"\n', 'line 1: "é" is no key'),
        ('pause = ""\n', 'line 1: "" is no key'),
        ('pause = "ctrl+m"\n', "line 1: ctrl+m is Enter on terminals; choose another key."),
        ("pause = 7\n", "line 1: a key is written in quotes."),
        ('a = 1\npause = "\n', "line 2: this is no TOML (illegal character"),
        ("[keys]\npause = 'h'\n", "line 1: keys is no action"),
    ],
)
def test_an_error_is_one_sentence_with_the_line(written, text, said):
    path = written(text)
    with pytest.raises(BadConfig) as raised:
        keymap.read_keys()
    words = str(raised.value)
    assert words.startswith(f"{path}, {said}"), words
    assert "\n" not in words


def test_two_keys_can_change_places(written):
    written('pause = "x"\ncancel = "p"\nhelp = ","\nleave = "ctrl+l"\n')
    assert keymap.read_keys() == {"pause": "x", "cancel": "p", "help": "comma", "leave": "ctrl+l"}


async def test_the_key_line_the_help_and_the_palette_show_the_operators_keys(tell, clock):
    teller = tell().copy()
    async with with_keys(teller, clock, pause="x", cancel="p", help="comma").run_test(size=(80, 24)) as pilot:
        await shown(pilot, "CopyScreen")
        keys = foot(pilot)[1]
        assert "x Pause" in keys
        assert "p Cancel…" in keys
        assert ", Help" in keys
        await pilot.press("question_mark")
        await pilot.pause()
        assert type(pilot.app.screen).__name__ == "CopyScreen"
        await pilot.press("comma")
        await shown(pilot, "HelpScreen")
        assert "x           hold the runner" in screen_text(pilot)
        await pilot.press("escape")
        await shown(pilot, "CopyScreen")
        await pilot.press("colon", *"hold")
        await says(pilot, "x       Pause")
        await pilot.press("escape")
        await shown(pilot, "CopyScreen")
        await pilot.press("x")
        assert (await decided(pilot, teller.path)).body["choice"] == "pause"
        await pilot.press("p")
        await shown(pilot, "CancelScreen")


async def test_sentences_name_the_operators_keys(tell, clock):
    teller = tell().lag()
    async with with_keys(teller, clock, cutover="k", next="N").run_test(size=(120, 36)) as pilot:
        await shown(pilot, "LagScreen")
        assert "k opens the cutover screen and starts nothing" in foot(pilot)[0]
        assert "k opens the cutover" in screen_text(pilot).split("\n", 1)[1]
        assert "{cutover}" not in screen_text(pilot)
        await pilot.press("c")
        await pilot.pause()
        assert type(pilot.app.screen).__name__ == "LagScreen"
        await pilot.press("k")
        await shown(pilot, "CutoverConfirmScreen")


async def test_what_confirms_keeps_its_key_even_if_somebody_asks_otherwise(tell, clock):
    """As if the check of the file had let it through."""
    teller = tell().plan()
    async with with_keys(teller, clock, approve="z").run_test(size=(80, 24)) as pilot:
        await shown(pilot, "PlanScreen")
        await pilot.press("z")
        await pilot.pause()
        assert decisions(teller.path) == []
        await pilot.press("A")
        assert (await decided(pilot, teller.path)).body["choice"] == "confirm"


async def test_letters_of_a_form_stay_letters(clock, monkeypatch, tmp_path):
    from tui.start import OpenConnect

    app = CutoverApp(OpenConnect(lambda form: tmp_path, lambda form: ()), clock=clock, keys={"help": "h", "leave": "o"})
    async with app.run_test(size=(80, 24)) as pilot:
        await shown(pilot, "ConnectScreen")
        assert "F1 Help" in foot(pilot)[1]
        assert "^q Leave" in foot(pilot)[1]
        await pilot.press(*"oh")
        assert pilot.app.screen.query_one("#migration").value == "oh"
        await pilot.press("f1")
        await shown(pilot, "HelpScreen")


async def test_the_old_key_of_a_moved_action_is_free(tell, clock):
    teller = tell().checks(CURED)
    async with with_keys(teller, clock, next="z").run_test(size=(80, 24)) as pilot:
        await shown(pilot, "ChecksScreen")
        assert "z goes on and makes the plan" in foot(pilot)[0]
        await pilot.press("n")
        await pilot.pause()
        assert decisions(teller.path) == []
        await pilot.press("z")
        assert (await decided(pilot, teller.path)).body["choice"] == "confirm"
