"""What every rehearsal leaves behind is taken down at once: its clients would write on beside all later tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from providers.sandbox import client


@pytest.fixture(autouse=True)
def nothing_left(state_dir: object) -> Iterator[None]:
    """Take the sandboxes down that were not there before the test."""
    before = {one.name for one in client.running()}
    yield
    for left in client.running():
        if left.name not in before:
            left.stop()
