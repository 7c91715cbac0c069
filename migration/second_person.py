"""The second person of a cutover: it starts once two people have agreed to it. For a rollback one is always enough.

Who they are is what the kernel says of them: whoever may write the journal is the login that the runner belongs to,
and everybody else hands letters in. So the second one is a login of his own, which may not write the journal.
"""

from __future__ import annotations

import time

from migration.view import Condition

VALID_S = 600.0
"""How long an agreement holds, in seconds."""


class NotAgreed(Exception):
    """What was handed in is no agreement; the message says why."""


def agreed(who: str) -> str:
    """What a gate says once somebody has agreed."""
    return f"{who} agrees as the second person"


class SecondPerson:
    """Who has agreed to the next cutover, and until when that holds."""

    def __init__(self, migration: str, people: int) -> None:
        """`people`: how many the cutover needs, 1 or 2."""
        self._migration = migration
        self._needed = people > 1
        self._who = ""
        self._until = 0.0

    def agree(self, who: str, operator: str) -> None:
        """Somebody has looked at it, too. `operator` is who is to start it; `who` is empty where nobody can tell.

        Raises:
            NotAgreed: nobody is needed, that is the same person, or it is not known who it is.
        """
        if not self._needed:
            raise NotAgreed("this cutover needs no second person")
        if not who:
            raise NotAgreed("the runner was started anew since, and cannot tell who agreed; agree once more")
        if who == operator:
            raise NotAgreed(f"{who} starts it and cannot be the second person as well")
        self._who, self._until = who, time.monotonic() + VALID_S

    def conditions(self, operator: str) -> tuple[Condition, ...]:
        """What has to hold of it at the gate; `operator` is empty where nobody can tell who starts it."""
        if not self._needed:
            return ()
        if self._who and operator and self._who != operator and time.monotonic() < self._until:
            return (Condition(True, agreed(self._who)),)
        words = f"a second person has to agree, at another login: cutover approve {self._migration}"
        return (Condition(False, words),)

    def used(self) -> None:
        """The cutover begins: the next one needs it anew."""
        self._who = ""
