"""Pairs of servers for the verification: `pair` of every kind, `alike` of one kind where any will do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.migration.verify.pairs import PAIRS, Pair, running_pair


@pytest.fixture(scope="module", params=list(PAIRS))
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """A pair of each kind, one after the other."""
    with running_pair(request.param, tmp_path_factory.mktemp("pair")) as made:
        yield made


@pytest.fixture(scope="module", params=["mariadb-10.11", "mysql-9.7"])
def alike(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """A pair of the same version."""
    with running_pair(request.param, tmp_path_factory.mktemp("alike")) as made:
        yield made


@pytest.fixture
def fresh(pair: Pair) -> Iterator[Pair]:
    """`pair` with nothing on it, and nothing left afterwards."""
    pair.empty()
    yield pair
    pair.empty()


@pytest.fixture
def fresh_alike(alike: Pair) -> Iterator[Pair]:
    """`alike` with nothing on it, and nothing left afterwards."""
    alike.empty()
    yield alike
    alike.empty()
