"""Following a journal in a thread of its own, so that a slow disk never stops the keys."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from pathlib import Path

from textual.message import Message

from migration.journal import JournalError
from migration.view import MigrationView
from migration.watch import Watch
from tui.presenter import Presenter

# How often the journal is looked at: each look costs a third of a millisecond, most of it for waking up.
POLL_S = 0.2
# While the writes are on their way from one server to the other.
MOVING_POLL_S = 0.1
TICK_S = 1.0

Post = Callable[[Message], object]


class Fed(Message):
    """The migration as it is now, whole. `view` is None until the journal was read once.

    `error` says why the journal cannot be read just now; the view is then the last good one.
    """

    def __init__(self, journal: Path, view: MigrationView | None, error: str) -> None:
        super().__init__()
        self.journal = journal
        self.view = view
        self.error = error

    def can_replace(self, message: Message) -> bool:
        """A newer state makes an older one of the same journal worthless."""
        return isinstance(message, Fed) and message.journal == self.journal


def post_safely(post: Post, message: Message) -> None:
    """Post from a thread; an app that has gone meanwhile is no error."""
    # Textual's loop is closed under us when the app leaves: that is all a RuntimeError means here.
    with contextlib.suppress(RuntimeError):
        post(message)


class Feed:
    """Posts a `Fed` whenever the journal changes, and at least once a second."""

    def __init__(self, journal: Path, post: Post, presenter: Presenter) -> None:
        self._journal = journal
        self._post = post
        self._presenter = presenter
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="feed", daemon=True)

    def start(self) -> None:
        """Begin to follow."""
        self._thread.start()

    def stop(self) -> None:
        """Stop soon; nothing waits for it."""
        self._stop.set()

    def _run(self) -> None:
        watch: Watch | None = None
        view: MigrationView | None = None
        posted = 0.0
        presenting = self._presenter.on
        while True:
            error = ""
            fresh = False
            try:
                watch = watch or Watch(self._journal)
                if view is None or watch.changed() or presenting != self._presenter.on:
                    presenting = self._presenter.on
                    view, fresh = self._presenter.view(self._journal, watch.view()), True
            except JournalError as problem:
                error = self._presenter.line(str(problem))
            now = time.monotonic()
            if fresh or now - posted >= TICK_S:
                posted = now
                post_safely(self._post, Fed(self._journal, view, error))
            if self._stop.wait(MOVING_POLL_S if _moving(view) else POLL_S):
                break
        if watch is not None:
            watch.close()


def _moving(view: MigrationView | None) -> bool:
    """Whether an attempt to move the writes is under way."""
    return view is not None and view.attempt is not None and view.attempt.result == "running"


def in_thread(work: Callable[[], Message], post: Post) -> None:
    """Run blocking `work` in a daemon thread and post the message it returns.

    Not Textual's thread workers: those share a small pool and are waited for when the app leaves.
    """
    threading.Thread(target=lambda: post_safely(post, work()), name="work", daemon=True).start()
