"""The read_only fence: what was sent and is still on its way must not close a server that is to be open."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from migration.fences.read_only import ReadOnlyFence
from providers.mysql.errors import ServerError
from providers.mysql.server import Server
from tests.migration.fences.lab import GRANTS, Place, anew, place
from tests.support.proxy import Proxy
from tests.support.waiting import until

FAR_S = 0.4


@pytest.fixture(scope="module", params=list(GRANTS))
def here(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with place(request.param, tmp_path_factory.mktemp("fence")) as found:
        yield found


def sending(fence: ReadOnlyFence) -> threading.Thread:
    def send() -> None:
        with contextlib.suppress(ServerError):
            fence.raise_((), 30.0)

    thread = threading.Thread(target=send)
    thread.start()
    return thread


def test_a_fence_on_its_way_finds_no_session_any_more(here: Place, tmp_path: Path) -> None:
    """A runner that sent it is dead, and whoever lifts the fence comes first."""
    m = anew(here, here.admin, tmp_path).m
    endpoint = here.admin.endpoint
    with (
        contextlib.closing(Proxy((endpoint.host, endpoint.port))) as road,
        contextlib.closing(Server(replace(endpoint, port=road.port))) as far,
        contextlib.closing(ReadOnlyFence(replace(m, source=far), far)) as slow,
        contextlib.closing(ReadOnlyFence(m, here.admin)) as near,
    ):
        before = len(m.scribe.journal.records())
        road.delay(FAR_S)
        thread = sending(slow)
        until(lambda: len(m.scribe.journal.records()) > before, "the fence is announced")
        near.release()
        assert not here.admin.read_only().clients
        thread.join()
        # What was on the road has arrived a while ago: its sender has been told.
        assert not here.admin.read_only().clients


def test_its_own_session_is_used_again_after_the_release(here: Place, tmp_path: Path) -> None:
    m = anew(here, here.admin, tmp_path).m
    with contextlib.closing(ReadOnlyFence(m, here.admin)) as fence:
        for _ in range(2):
            fence.raise_((), 5.0)
            assert here.admin.read_only().clients
            fence.release()
            assert not here.admin.read_only().clients
