"""What a shell has of `cutover`: completion in a real bash, and the man page."""

from __future__ import annotations

import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from tui_stories import spec

from migration import runbooks
from migration.sessions import create
from tui.command_line import app

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"


@pytest.fixture
def bash(tmp_path: Path):
    """Asks a bash that has read `cutover --show-completion` what it offers for a line."""
    program = tmp_path / "bin/cutover"
    program.parent.mkdir()
    program.write_text(f"#!{sys.executable}\nfrom tui.command_line import main\nmain()\n")
    program.chmod(0o755)
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PATH": f"{program.parent}:{os.environ['PATH']}"}

    def offered(line: str) -> list[str]:
        words = line.split(" ")
        script = (
            'eval "$(_CUTOVER_COMPLETE=source_bash cutover)"\n'
            "complete -p cutover | grep -q -- '-F _cutover_completion' || exit 9\n"
            f"COMP_WORDS=({' '.join(repr(word) for word in words)})\n"
            f"COMP_CWORD={len(words) - 1}\n"
            "_cutover_completion cutover\n"
            'printf "%s\\n" "${COMPREPLY[@]}"\n'
        )
        ran = subprocess.run(
            ["bash", "--norc", "-c", script], capture_output=True, text=True, env=env, timeout=60, check=True
        )
        return ran.stdout.split()

    return offered


def test_bash_offers_commands_and_options(bash):
    assert set(bash("cutover re")) == {"rehearse", "resume", "report"}
    assert set(bash("cutover watch --p")) >= {"--plain", "--presenter"}


def test_bash_offers_what_there_is(bash):
    Path("config").mkdir()
    Path("config/profiles.toml").write_text('[orders]\nsource = "a@b"\n[crm]\nsource = "a@b"\n')
    for name in ("orders-2026-11", "orders-2026-12", "crm-1"):
        create(spec(name))
    assert bash("cutover watch orders") == ["orders-2026-11", "orders-2026-12"]
    assert bash("cutover report crm") == ["crm-1"]
    assert set(bash("cutover rehearse rds_")) == {name for name in runbooks.names() if name.startswith("rds_")}
    assert bash("cutover check --profile c") == ["crm"]
    Path("config/profiles.toml").write_text("[orders\n")
    assert bash("cutover check --profile c") == []


def test_the_man_page_is_what_its_script_writes():
    page = runpy.run_path(str(DOCS / "make_man.py"))["page"]()
    assert (DOCS / "cutover.1").read_text(encoding="utf-8") == page, "run: python docs/make_man.py"


def test_every_command_and_option_is_in_the_man_page():
    page = (DOCS / "cutover.1").read_text(encoding="utf-8").replace("\\-", "-")
    root = typer.main.get_command(app)
    for name, command in root.commands.items():  # type: ignore[attr-defined]
        assert f".SS cutover {name}" in page
        for option in command.params:
            if option.param_type_name == "option" and option.name != "help" and not option.hidden:
                assert all(one in page for one in option.opts), (name, option.opts)


def test_the_man_page_is_ascii():
    assert (DOCS / "cutover.1").read_text(encoding="utf-8").isascii()


@pytest.mark.skipif(shutil.which("groff") is None, reason="groff is not installed: nobody can format the page")
def test_the_man_page_can_be_formatted():
    argv = ["groff", "-man", "-Tascii", "-ww", str(DOCS / "cutover.1")]
    ran = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True)
    assert ran.stderr == ""
    assert "mysql-cutover" in ran.stdout
