"""A journal that is written and followed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from migration.journal import Journal, Kind
from migration.records import Scribe
from migration.watch import Watch
from tests.support.desk import SPEC, Desk


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    path = tmp_path / "m" / "journal.db"
    with Journal.create(path) as journal:
        journal.append_synced(Kind.CREATED, SPEC.id, SPEC.to_json(), actor="operator")
        with Watch(path) as following:
            yield Desk(path, journal, Scribe(journal), following)
