"""Two people for a cutover: who counts as the second one, and for how long."""

from __future__ import annotations

import pytest

from migration import second_person
from migration.second_person import NotAgreed, SecondPerson, agreed

ANN, BOB = "ann@a", "bob@a"


def test_one_person_is_enough_where_no_second_is_asked_for() -> None:
    one = SecondPerson("m", 1)
    assert one.conditions(ANN) == ()
    with pytest.raises(NotAgreed, match="needs no second person"):
        one.agree(BOB, ANN)


def test_the_second_one_is_another_one_and_agrees_to_one_cutover() -> None:
    two = SecondPerson("m", 2)
    (lacking,) = two.conditions(ANN)
    assert not lacking.ok
    assert lacking.text.endswith("cutover approve m")
    with pytest.raises(NotAgreed, match="ann@a starts it"):
        two.agree(ANN, ANN)
    two.agree(BOB, ANN)
    (holds,) = two.conditions(ANN)
    assert (holds.ok, holds.text) == (True, agreed(BOB))
    # The seat has been handed over to who has agreed.
    assert not two.conditions(BOB)[0].ok
    two.used()
    assert not two.conditions(ANN)[0].ok


def test_it_does_not_hold_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    two = SecondPerson("m", 2)
    monkeypatch.setattr(second_person, "VALID_S", 0.0)
    two.agree(BOB, ANN)
    assert not two.conditions(ANN)[0].ok


def test_who_nobody_can_tell_is_neither_the_one_nor_the_other() -> None:
    two = SecondPerson("m", 2)
    with pytest.raises(NotAgreed, match="agree once more"):
        two.agree("", ANN)
    two.agree(BOB, ANN)
    assert not two.conditions("")[0].ok
