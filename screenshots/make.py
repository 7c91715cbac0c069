"""Fill this folder from a real rehearsal: each screen of the wizard at 80x24 and 120x36, as SVG and PNG.

python screenshots/make.py [--source mysql-5.7] [--target mysql-9.7]
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import re
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import cairosvg
from textual.pilot import Pilot

from migration import rehearsal
from migration.model import NO_WISHES
from migration.rehearsal import Rehearsal
from migration.sessions import launch
from providers.mysql.connection import Connection
from providers.mysql.server import Server
from providers.sandbox import engines
from providers.sandbox.spec import TopologySpec
from tui.app import CutoverApp
from tui.opening import export_report, open_connect
from tui.start import OpenMigration, OpenSessions

HERE = Path(__file__).parent
SIZES = ((80, 24), (120, 36))
LAG_HISTORY_S = 25.0
FONT = re.compile(r"@font-face\s*{[^}]*}")


class Camera:
    """Takes both sizes of what an app shows."""

    def __init__(self, pilot: Pilot[None]) -> None:
        self.pilot = pilot

    def shows(self, text: str) -> bool:
        screen = self.pilot.app.screen
        lines = ("".join(segment.text for segment in strip) for strip in screen._compositor.render_strips())
        return text in "\n".join(lines)

    async def until(self, text: str, seconds: float = 90.0) -> None:
        await self.wait(lambda: self.shows(text), text, seconds)

    async def wait(self, holds: Callable[[], bool], what: str, seconds: float = 90.0) -> None:
        end = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > end:
                raise SystemExit(f"{what!r} did not come within {seconds} s")
            await self.pilot.pause(0.05)

    async def take(self, name: str) -> None:
        for columns, rows in SIZES:
            await self.pilot.resize_terminal(columns, rows)
            await self.pilot.pause(0.3)
            svg = self.pilot.app.export_screenshot(title=f"cutover: {name}", simplify=True)
            path = HERE / f"{name}-{columns}x{rows}.svg"
            path.write_text(svg)
            plain = FONT.sub("", svg).replace("Fira Code", "DejaVu Sans Mono")
            cairosvg.svg2png(bytestring=plain.encode(), write_to=str(path.with_suffix(".png")))
        await self.pilot.resize_terminal(*SIZES[0])
        await self.pilot.pause(0.2)


@contextlib.asynccontextmanager
async def wizard(made: Rehearsal, *, welcome_back: bool = False) -> AsyncIterator[Camera]:
    app = CutoverApp(OpenMigration(made.journal, welcome_back), export=export_report)
    async with app.run_test(size=SIZES[0]) as pilot:
        yield Camera(pilot)


@contextlib.contextmanager
def applier_blocked(made: Rehearsal) -> Iterator[Connection]:
    """The target's applier waits for a lock, so that the cutover can be looked at while it runs."""
    target = Server(made.sandbox.endpoints().target).connect()
    target.run("LOCK TABLES shop.ledger READ")
    try:
        yield target
    finally:
        target.close()


async def until_the_switch(made: Rehearsal) -> None:
    async with wizard(made) as camera:
        press = camera.pilot.press
        await camera.until("Nothing blocks")
        await camera.take("checks")
        await press("enter")
        await camera.until("Evidence")
        await camera.take("check-detail")
        await press("escape")
        await camera.until("Nothing blocks")
        await press("n")
        await camera.until("Nothing runs yet")
        await camera.take("plan")
        await press("A")
        await camera.until("rows of")
        await camera.take("copy")
        await camera.until("Ready when you are")
        began = time.monotonic()
        await camera.wait(lambda: time.monotonic() - began > LAG_HISTORY_S, "lag history")
        await camera.take("lag")
        await press("question_mark")
        await camera.until("Keys here")
        await camera.take("help")
        await press("escape")
        await press("c")
        await camera.until("Not started")
        await press(*"sour")
        await camera.take("cutover-confirm")
        await press(*"ce")
        await camera.until("Enter starts the countdown")
        await press("enter")
        await camera.until("Starts in 1 s")
        with applier_blocked(made):
            await camera.until("CUTTING OVER")
            await camera.take("cutover-progress")
        await camera.until("or", 30)


async def after_the_switch(made: Rehearsal) -> None:
    async with wizard(made, welcome_back=True) as camera:
        press = camera.pilot.press
        await camera.until("WELCOME BACK")
        await camera.take("welcome-back")
        await press("enter")
        await cut_over_again(camera)
        await camera.take("after")
        await press("R")
        await camera.until("Why are you rolling back")
        await press(*"checkout is slow", "enter", *"targ")
        await camera.take("rollback")
        await press("escape")
        await press("C")
        await camera.until("Type complete")
        await camera.take("complete")
        await press(*"complete")
        await camera.until("Enter starts the countdown")
        await press("enter")
        await camera.until("Journal")
        await camera.take("end")


async def cut_over_again(camera: Camera) -> None:
    """The blocked cutover may have been given up by itself: then it is confirmed once more."""
    await camera.wait(lambda: camera.shows("Can I still go back?") or camera.shows("Cut over…"), "an outcome")
    if camera.shows("Can I still go back?"):
        await camera.until("YES")
        return
    await camera.until("Ready when you are")
    await camera.pilot.press("c")
    await camera.until("Not started")
    await camera.pilot.press(*"source")
    await camera.until("Enter starts the countdown")
    await camera.pilot.press("enter")
    await camera.until("YES")


async def around_it() -> None:
    async with CutoverApp(OpenSessions(open_connect(NO_WISHES))).run_test(size=SIZES[0]) as pilot:
        camera = Camera(pilot)
        await camera.until("rehearsal-")
        await camera.take("sessions")
        await pilot.press("n")
        await camera.until("Source")
        await camera.take("connect")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", default="mysql-5.7")
    parser.add_argument("--target", default="mysql-9.7")
    asked = parser.parse_args()
    engines.provide([asked.source, asked.target], lambda _: None)
    with tempfile.TemporaryDirectory() as state:
        os.environ["CUTOVER_STATE"] = state
        # The pictures are those of a terminal of today, wherever they are made.
        os.environ["TERM"] = "xterm-256color"
        os.environ.pop("NO_COLOR", None)
        spec = TopologySpec(asked.source, asked.target, rows=60_000)
        made = rehearsal.set_up(spec, "mysql_replication", lambda _: None)
        try:
            launch(made.journal, made.secrets())
            asyncio.run(until_the_switch(made))
            asyncio.run(after_the_switch(made))
            asyncio.run(around_it())
        finally:
            made.sandbox.stop()
    print(f"{len(list(HERE.glob('*.png')))} pictures in {HERE.name}/")
    return 0


if __name__ == "__main__":
    sys.exit(main())
