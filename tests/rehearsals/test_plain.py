"""A whole rehearsal on a dumb terminal, played through only by what the lines say; a shared one, with names masked."""

from __future__ import annotations

import re

from migration.sessions import sessions
from tests.rehearsals.command import CUTOVER, watch_json
from tests.support.lines import Talk

ENGINE = "mariadb-10.11"
REHEARSE = [CUTOVER, "rehearse", "--presenter", "--source-engine", ENGINE, "--target-engine", ENGINE]


def test_from_the_first_check_to_completion_in_lines(engine_names: tuple[str, ...]) -> None:
    said = Talk(REHEARSE)
    try:
        said.choose("Go on")
        said.choose("Approve this plan")
        said.until("OK everything holds that this gate asks for", 60)
        said.confirm("Cut over")
        said.until("^Question: Do the applications work well", 60)
        said.confirm("Complete")
        said.until("^Complete: the target has the writes", 60)
        assert said.ended() == 0
        text = said.lines
    finally:
        said.screen.close()

    name = sessions()[0].id
    told = watch_json(name)
    assert told["end"] == "completed"
    assert told["figures"]["lost_writes"] == 0
    assert told["figures"]["both_writable_ms"] == 0
    assert "\x1b" not in text
    # What the rehearsal's databases, tables and accounts are called; `source` is a word of every migration.
    accounts = {told["spec"][side]["replication_user"] for side in ("source", "target")}
    assert not [one for one in ("shop", "ledger", name, *accounts) if re.search(rf"\b{re.escape(one)}\b", text)]
    assert "source" in text
