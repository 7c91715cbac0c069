"""The target: a Flexible Server that is there; its address and administrator are asked of the provider."""

from __future__ import annotations

from migration.azure.account import of
from migration.azure.data_in.account import PORT
from migration.azure.services import is_settled
from migration.azure.state import in_words, require
from migration.model import Side
from migration.runbook import Estimate, Migration, Observation, StepFailed, done, not_done

STEP = "find_target"
_PORT = 3306


def statements(m: Migration) -> tuple[str, ...]:
    """What will be called."""
    return (f"nothing is changed; {of(m).source.name} is looked up",)


def estimate(m: Migration) -> Estimate:
    """How long it takes."""
    return Estimate(1.0, "a call")


def probe(m: Migration) -> Observation:
    """Whether its address is known."""
    place = of(m).source
    known = (m.story().spec or m.spec).target.host
    return done(f"{place.name} is at {known}") if known else not_done(f"the address of {place.name} is not known")


def apply(m: Migration) -> None:
    """Put its address down.

    Raises:
        StepFailed: it is not ready, or the provider names no host.
        CloudFailed: it is not there, or the provider cannot be asked.
    """
    account = of(m)
    found = require(account, account.source)
    if not is_settled(found) or not found.host:
        raise StepFailed(f"{in_words(found, account.source)}: start it in the portal, or wait, then try again.")
    port, user = int(account.spec.options.get(PORT, _PORT)), m.spec.target.user or found.administrator
    m.scribe.placed(Side.TARGET, account.source.name, found.host, port, user or "")
