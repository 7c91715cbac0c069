"""Which fence a server gets, found out without changing it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from migration.fences import Fence
from migration.fences.accounts import AccountFence
from migration.fences.choose import closing_words, fence_for, may_set_read_only
from migration.fences.operator import OperatorFence
from migration.fences.read_only import ReadOnlyFence
from providers.mysql.errors import Unsupported
from tests.migration.checks.lab import account
from tests.migration.fences.lab import GRANTS, SPARED, Place, anew, as_account, here, place

__all__ = ["here"]

ENOUGH = {
    "mysql-5.6": "SUPER ON *.*",
    "mysql-5.7": "SUPER ON *.*",
    "mysql-9.7": "SYSTEM_VARIABLES_ADMIN ON *.*",
    "mariadb-10.11": "READ_ONLY ADMIN ON *.*",
}


@pytest.fixture(scope="module", params=list(ENOUGH))
def standing(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with place(request.param, tmp_path_factory.mktemp("fence")) as found:
        yield found


def chosen(at: Place) -> type[Fence]:
    with contextlib.closing(fence_for(at.m, at.server)) as fence:
        return type(fence)


@pytest.mark.parametrize("closed", ["OFF", "ON"])
def test_auto_takes_read_only_where_the_account_may_set_it(here: Place, closed: str, tmp_path: Path) -> None:
    here.admin.change(f"SET GLOBAL read_only = {closed}")
    try:
        assert (may_set_read_only(here.server), may_set_read_only(here.admin)) == (False, True)
        assert chosen(here) is AccountFence
        (tmp_path / "strong").mkdir()
        with (
            account(here.admin, "strong", ENOUGH[here.engine]) as strong,
            contextlib.closing(as_account(here.admin, strong)) as server,
        ):
            assert chosen(anew(here, server, tmp_path / "strong")) is ReadOnlyFence
        assert here.admin.read_only().clients is (closed == "ON")
    finally:
        here.admin.change("SET GLOBAL read_only = OFF")


def test_what_was_asked_for_is_taken(here: Place, tmp_path: Path) -> None:
    for word, kind in (("read_only", ReadOnlyFence), ("accounts", AccountFence), ("operator", OperatorFence)):
        (tmp_path / word).mkdir()
        assert chosen(anew(here, here.admin, tmp_path / word, word)) is kind
    (tmp_path / "other").mkdir()
    with pytest.raises(Unsupported, match="'moat'"):
        chosen(anew(here, here.admin, tmp_path / "other", "moat"))


def test_the_plan_has_the_words_of_the_fence_that_was_asked_for(here: Place, tmp_path: Path) -> None:
    words = {}
    for fence in ("read_only", "accounts", "operator"):
        (tmp_path / fence).mkdir()
        at = anew(here, here.admin, tmp_path / fence, fence)
        words[fence] = closing_words(at.m, at.server)
    assert words["read_only"].startswith(here.admin.dialect.fence)
    assert " USER " in words["accounts"]
    assert "for each session" in words["accounts"]
    assert words["operator"].startswith("no statement: ")


def test_held_accounts_are_let_go_of_though_read_only_may_be_set_now(here: Place) -> None:
    with contextlib.closing(AccountFence(here.m, here.server, kill_statement=here.kill, spared=SPARED)) as fence:
        try:
            fence.raise_((), 5.0)
            with (
                account(here.admin, "strong", *GRANTS[here.engine], ENOUGH[here.engine]) as strong,
                contextlib.closing(as_account(here.admin, strong)) as server,
            ):
                assert may_set_read_only(server)
                assert chosen(replace(here, m=replace(here.m, source=server))) is AccountFence
        finally:
            fence.release()
