"""What is tried again, how often, and when."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from providers.calling.errors import Failure
from providers.calling.patience import Retry
from providers.calling.redaction import redact
from providers.mysql.endpoint import Secret

QUICK = Retry(3, 0.001)
AGAIN_S = 0.2


class Told(Failure):
    """As a provider whose every code is a refusal."""

    def _understood(self) -> bool:
        return bool(self.code)


def ending(*outcomes: Failure | str) -> tuple[Callable[[], Failure | str], list[int]]:
    """Attempts that end so, one after another, and how many were made."""
    left, made = list(outcomes), list[int]()

    def attempt() -> Failure | str:
        made.append(1)
        return left.pop(0)

    return attempt, made


LOST = Told("no connection")
THROTTLED = Told("too many", "TooMany", 429)
REFUSED = Told("no", "NotAllowed", 403)


@pytest.mark.parametrize(
    ("outcomes", "last", "times"),
    [
        (["well"], "well", 1),
        ([LOST, THROTTLED, "well"], "well", 3),
        ([LOST, LOST, THROTTLED, "well"], THROTTLED, 3),
        ([LOST, REFUSED, "well"], REFUSED, 2),
    ],
)
def test_it_is_tried_again_while_that_is_worth_it(
    outcomes: list[Failure | str], last: Failure | str, times: int
) -> None:
    attempt, made = ending(*outcomes)
    assert QUICK.until(attempt, lambda failure: failure.passing) == last
    assert len(made) == times


@pytest.mark.parametrize(("attempts", "waited"), [(1, False), (2, True)])
def test_the_provider_says_when_unless_nothing_follows(attempts: int, waited: bool) -> None:
    attempt, _ = ending(Told("too many", "TooMany", 429, again_s=AGAIN_S), "well")
    began = time.monotonic()
    Retry(attempts, 0.001).until(attempt, lambda failure: failure.passing)
    assert (time.monotonic() - began >= AGAIN_S) is waited


def test_a_failure_is_shown_with_its_signs_and_without_secrets() -> None:
    failure = Told("the key abcdef is unknown. ", "Bad-abcdef", 403, "abcdef-1")
    shown = failure.redacted(lambda text: redact(text, [Secret("abcdef")]))
    assert str(shown) == "the key *** is unknown (Bad-***, HTTP 403, request ***-1)"
    assert str(Told(" .").redacted(str)) == "no words"
