"""Waiting, and what statuses mean."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from providers.aws.errors import NoAnswer, NotFound
from providers.aws.polling import Ended, Pace, Progress, wait
from providers.aws.statuses import Health, health

QUICK = Pace(5.0, 0.001)


def judge(status: str) -> Progress:
    return {"available": Progress.DONE, "failed": Progress.FAILED}.get(status, Progress.UNKNOWN)


def test_it_is_looked_until_it_is_done() -> None:
    seen = iter(["creating", "a-new-word", "available"])
    shown: list[str] = []
    waited = wait(lambda: next(seen), judge, QUICK, on_look=shown.append)
    assert (waited.ended, waited.last) == (Ended.DONE, "available")
    assert shown == ["creating", "a-new-word", "available"]


def test_a_failure_ends_it() -> None:
    assert wait(lambda: "failed", judge, QUICK).ended is Ended.FAILED


def test_a_look_without_an_answer_says_nothing() -> None:
    seen: Iterator[str | Exception] = iter([NoAnswer("no"), "available"])

    def look() -> str:
        one = next(seen)
        if isinstance(one, Exception):
            raise one
        return one

    assert wait(look, judge, QUICK).ended is Ended.DONE


def test_when_the_time_is_over_it_is_told_why_nothing_was_seen() -> None:
    def look() -> str:
        raise NoAnswer("no network")

    waited = wait(look, judge, Pace(0.05, 0.01))
    assert (waited.ended, waited.last) == (Ended.LATE, None)
    assert str(waited.unseen) == "no network"


def test_what_cannot_get_better_ends_it() -> None:
    def look() -> str:
        raise NotFound("gone")

    with pytest.raises(NotFound):
        wait(look, judge, QUICK)


def test_it_can_be_stopped() -> None:
    assert wait(lambda: "creating", judge, Pace(60.0, 30.0), stopping=lambda: True).ended is Ended.STOPPED


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        ("available", Health.READY),
        ("storage-initialization", Health.USABLE),
        ("storage-optimization", Health.USABLE),
        ("backing-up", Health.USABLE),
        ("modifying", Health.BUSY),
        ("storage-full", Health.BROKEN),
        ("incompatible-restore", Health.BROKEN),
        ("something-new", Health.UNKNOWN),
        (None, Health.UNKNOWN),
    ],
)
def test_a_status_has_its_meaning(status: str | None, meaning: Health) -> None:
    assert health(status) is meaning
