"""The target: a Flexible Server that is there, or that is made with the size that was asked for."""

from __future__ import annotations

from typing import Any

from migration.azure.account import commands
from migration.azure.dms.account import of
from migration.azure.operating import carry_out, pick_up
from migration.azure.services import is_settled
from migration.azure.state import in_words
from migration.model import Side
from migration.runbook import CloudFailed, Estimate, Migration, Observation, StepFailed, done, not_done
from providers.azure import flexible
from providers.azure.calls import Write
from providers.azure.records import Server
from providers.mysql.endpoint import Account

STEP = "target"
# Names of options for a target that is to be made.
REGION, SIZE, TIER, VERSION, STORAGE, PORT = (
    "target_region", "target_size", "target_tier", "target_version", "target_storage_gb", "target_port",
)  # fmt: skip
_PORT = 3306
_RECORDED = "recorded for an empty server: over 6 minutes"


class Found:
    """Looking the target up, before anything is asked of it; see `migration.runbook.Action`."""

    def statements(self, m: Migration) -> tuple[str, ...]:
        """What will be called."""
        return (f"nothing is changed; {of(m).target.name} is looked up",)

    def estimate(self, m: Migration) -> Estimate:
        """How long it takes."""
        return Estimate(1.0, "a call")

    def probe(self, m: Migration) -> Observation:
        """Whether its address is known, or it is to be made."""
        account = of(m)
        found = account.server(account.target)
        if found is None:
            return done(f"{account.target.name} is not there yet; it is made once the plan is approved")
        return done(in_words(found, account.target)) if _placed(m) else not_done(f"{account.target.name} is there")

    def apply(self, m: Migration) -> None:
        """Put its address down."""
        account = of(m)
        found = account.server(account.target)
        if found is not None:
            _place(m, found)


FOUND = Found()


def statements(m: Migration) -> tuple[str, ...]:
    """What will be called."""
    account = of(m)
    if account.server(account.target) is not None:
        return (f"nothing: {account.target.name} is there",)
    return commands(_write(m))


def estimate(m: Migration) -> Estimate:
    """How long it takes."""
    account = of(m)
    made = account.server(account.target) is not None
    return Estimate(0.0, "it is there") if made else Estimate(10 * 60.0, _RECORDED)


def probe(m: Migration) -> Observation:
    """Whether it is there, ready, and its address known."""
    account = of(m)
    found = account.server(account.target)
    if found is None or not is_settled(found) or not _placed(m):
        return not_done(in_words(found, account.target))
    return done(in_words(found, account.target))


def apply(m: Migration) -> None:
    """Make it, or wait for the one that an earlier runner asked for.

    Raises:
        StepFailed: the options lack what is needed to make it.
        CloudFailed, CloudSilent, Halted: as `carry_out`.
    """
    account = of(m)
    found = account.server(account.target)
    if found is None:
        carry_out(m, STEP, _write(m))
    elif not is_settled(found):
        pick_up(m, STEP, _write(m))
    made = account.server(account.target)
    if made is None:
        raise CloudFailed(f"There is no server {account.target}; look at it in the portal, then try again.")
    _place(m, made)


def _write(m: Migration) -> Write[Any]:
    options, account = of(m).spec.options, of(m)
    missing = [name for name in (REGION, SIZE, TIER, VERSION) if not options.get(name)]
    if missing:
        raise StepFailed(
            f"{account.target.name} is not there, and to make it {', '.join(missing)} must be given (--option "
            "NAME=VALUE). Begin again with them, or make the server in the portal, then try again."
        )
    administrator = Account(_asked_for(m) or _bare(m.spec.source.user), m.secrets.target)
    size, storage = (options[SIZE], options[TIER]), options.get(STORAGE)
    return flexible.create_server(
        account.target, options[REGION], administrator, options[VERSION], size, int(storage) if storage else 64
    )


def _placed(m: Migration) -> bool:
    target = m.spec_now().target
    return bool(target.host) and target.name == of(m).target.name


def _place(m: Migration, found: Server) -> None:
    account = of(m)
    if not found.host:
        raise CloudFailed(f"The provider names no host of {account.target}; look at it in the portal, then try again.")
    user = _asked_for(m) or found.administrator or _bare(m.spec.source.user)
    port = int(account.spec.options.get(PORT, _PORT))
    m.scribe.placed(Side.TARGET, account.target.name, found.host, port, user)


def _asked_for(m: Migration) -> str:
    """The target's administrator where another one than the source's was named; empty where none was."""
    return m.spec.target.user if m.spec.target.user != m.spec.source.user else ""


def _bare(user: str) -> str:
    """A Single Server's login has the server's name behind it."""
    return user.partition("@")[0]
