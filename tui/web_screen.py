"""The process behind one browser: an observer's screens. Arguments: the journal, `--presenter`."""

from __future__ import annotations

import os
import select
import sys
import threading
from pathlib import Path

from tui.app import CutoverApp
from tui.presenter import Presenter
from tui.start import OpenMigration


def _end_with_the_server() -> None:
    """Whoever serves it has gone without a word: there is nobody to show anything to."""
    pipe = select.poll()
    # Without events to wait for, only the other side's end is told.
    pipe.register(0, 0)
    pipe.poll()
    os._exit(0)


def main() -> None:
    """Show one migration."""
    threading.Thread(target=_end_with_the_server, daemon=True).start()
    presenter = Presenter(on="--presenter" in sys.argv)
    start = OpenMigration(Path(sys.argv[1]), welcome_back=False)
    CutoverApp(start, observer=True, presenter=presenter).run(mouse=False)


if __name__ == "__main__":
    main()
