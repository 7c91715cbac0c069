"""A larger target while it copies, and the old size again afterwards: "temporarily scale up", says the FAQ."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from migration import notes
from migration.azure.account import PRODUCT, commands
from migration.azure.dms.account import of
from migration.azure.dms.way import testing
from migration.azure.operating import busy, follow, pick_up, poll_s
from migration.azure.services import is_settled
from migration.azure.state import in_words
from migration.decisions import Choice
from migration.model import Outcome
from migration.runbook import CloudFailed, Estimate, Gate, Halted, Migration, Observation, StepFailed, done, not_done
from migration.view import Guide, Option
from providers.azure import flexible
from providers.azure.calls import Write
from providers.azure.client import Running
from providers.azure.records import Server

SIZE = "copy_size"
UP, BACK = "scaled_up", "scaled_back"
AS_IT_IS = "as it is"
_WAS = re.compile(r"was (\S+) (\S+)")
_RESTART_S = 120.0


def _options(m: Migration) -> tuple[Option, ...]:
    account = of(m)
    found = account.server(account.target)
    if found is None:
        return (Option(AS_IT_IS, "it is made with the size that was asked for"),)
    asked = account.read(lambda client: account.service.offers(client, found, account.target.subscription_id))
    larger = tuple(Option(one.name, f"{one.meaning}; for the copy only") for one in asked if one.name != found.sku)
    options = (Option(AS_IT_IS, f"{found.sku} all the time"), *larger)
    wanted = account.spec.options.get(SIZE, "")
    return tuple(sorted(options, key=lambda one: one.value != wanted))


CHOOSE_SIZE = Gate(
    id=SIZE,
    title="target's size for the copy",
    why="A target that is throttled holds the copy up; it can be larger for as long as it copies.",
    question=lambda m: f"Which size is {of(m).target.name} to have while it is copied to?",
    consequence=lambda m: (
        "Another size RESTARTS the target, now and once more when it gets its own size back; that is asked again. "
        "The provider shows prices on its pages only. A service with several cores copies faster as well "
        "(--option service_sku)."
    ),
    word=lambda m: "",
    choices=(Choice.CONFIRM, Choice.CANCEL),
    options=_options,
    guide=Guide(
        "Nothing is done by choosing. The target gets its own size back afterwards, on your word, with a restart.",
        "Taking a large size for a small database: each change restarts the target, and takes longer than the copy "
        "would.",
    ),
)


@dataclass(frozen=True)
class Resize:
    """Changing the target's size; see `migration.runbook.Action`. `wanted`: size and tier, None for nothing to do."""

    step: str
    wanted: Callable[[Migration], tuple[str, str] | None]
    nothing: str

    def statements(self, m: Migration) -> tuple[str, ...]:
        """What will be called."""
        wanted = self.wanted(m)
        return (self.nothing,) if wanted is None else commands(flexible.resize(of(m).target, wanted))

    def estimate(self, m: Migration) -> Estimate:
        """How long it takes."""
        wanted = self.wanted(m)
        return Estimate(0.0, "-") if wanted is None else Estimate(_RESTART_S, "a restart with another size: minutes")

    def probe(self, m: Migration) -> Observation:
        """Whether it has the size."""
        wanted, account = self.wanted(m), of(m)
        if wanted is None:
            return done(self.nothing)
        found = account.server(account.target)
        good = found is not None and found.sku == wanted[0] and is_settled(found)
        return done(in_words(found, account.target)) if good else not_done(in_words(found, account.target))

    def apply(self, m: Migration) -> None:
        """Change it, or wait for a change under way.

        Raises:
            CloudFailed: it was refused, or failed.
            CloudSilent: whether it was carried out is not known.
            Halted: the operator stopped waiting.
        """
        wanted, account = self.wanted(m), of(m)
        if wanted is None:
            return
        found = account.server(account.target)
        if found is None:
            raise CloudFailed(f"There is no server {account.target}; look at it in the portal, then try again.")
        write = flexible.resize(account.target, wanted)
        if not is_settled(found):
            pick_up(m, self.step, write)
            return
        if original(m) is None:
            m.scribe.statement(PRODUCT, UP, f"was {found.sku} {found.tier}", 0)
        running = self._begin(m, write)
        if running is not None:
            follow(m, self.step, running, write)

    def _begin(self, m: Migration, write: Write[Any]) -> Running[Any] | None:
        """Send it as soon as the server is done with what else is under way; None where it has the size by then."""
        while True:
            m.scribe.statement(PRODUCT, self.step, write.shown(), 0)
            try:
                return of(m).begin(write)
            except CloudFailed as error:
                if not busy(error):
                    raise
                m.scribe.progress(self.step, done=0, total=0, unit="", note=str(error))
            if self.probe(m).outcome is Outcome.DONE:
                return None
            if m.desk.halted():
                raise Halted
            time.sleep(poll_s(m))


def original(m: Migration) -> tuple[str, str] | None:
    """Size and tier before they were changed here; None where they were not."""
    for said in notes.every(m, PRODUCT, UP):
        found = _WAS.fullmatch(said)
        if found is not None:
            return found[1], found[2]
    return None


def _larger(m: Migration) -> tuple[str, str] | None:
    wanted = m.chosen(SIZE) or AS_IT_IS
    if wanted == AS_IT_IS:
        return None
    account = of(m)
    found = account.server(account.target)
    if found is None:
        raise StepFailed(f"There is no server {account.target}; look at it in the portal, then try again.")
    return wanted, _tier(m, found, wanted)


def _tier(m: Migration, found: Server, wanted: str) -> str:
    account = of(m)
    offers = account.read(lambda client: account.service.offers(client, found, account.target.subscription_id))
    return next((one.tier for one in offers if one.name == wanted), found.tier or "")


SCALED_UP = Resize(UP, _larger, "nothing: the target keeps its size")
SCALED_BACK_AFTER_TEST = Resize(
    f"{BACK}_after_test", lambda m: original(m) if testing(m) else None, "nothing: it is no test, or has its own size"
)
SCALED_BACK = Resize(BACK, original, "nothing: the target has its own size")


def undo(m: Migration) -> None:
    """Give it its own size back.

    Raises:
        CloudFailed, CloudSilent, Halted: as `Resize.apply`.
    """
    SCALED_BACK.apply(m)


CONFIRM_BACK = Gate(
    id="scale_back_confirm",
    title="give the target its own size back",
    why="The larger size is billed for as long as it has it.",
    question=lambda m: f"Give {of(m).target.name} its own size, {(original(m) or ('?',))[0]}, back now?",
    consequence=lambda m: f"{of(m).target.name} RESTARTS: its clients are cut off for a minute or two, and come back.",
    word=lambda m: of(m).target.name,
    choices=(Choice.CONFIRM,),
    when=lambda m: original(m) is not None,
    guide=Guide(
        "The size can be changed again in the portal, with a restart each time.",
        "Confirming at noon: the restart cuts the applications off for a minute or two. It can wait for a quiet hour.",
    ),
)
