"""Changes for checks: made on the operator's word, with what takes them back in the journal beforehand."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from migration.check import Finding, Fix, Verdict
from migration.model import Side
from migration.view import FixView
from providers.mysql.errors import StatementFailed

if TYPE_CHECKING:
    # What is offered is shown by screens, which are painted without what connects to servers.
    from migration.runbook import Migration
    from providers.mysql.server import Server

# A trigger or an event of this name exists.
_THERE = frozenset({1359, 1537})


@dataclass(frozen=True)
class Offer:
    """A change that could be made, and for which check."""

    check: str
    fix: Fix


def offers(findings: Iterable[Finding]) -> tuple[Offer, ...]:
    """Every change that would cure a finding, in the order in which they would be made."""
    return tuple(
        Offer(finding.check, fix)
        for finding in findings
        if finding.result.verdict is Verdict.FAILED
        for fix in finding.result.fixes
    )


def digest(listed: Iterable[Offer]) -> str:
    """What stands for a list of changes that was shown, so that nothing else is made in its place."""
    lines = "\n".join(f"{one.check} {one.fix.side} {one.fix.statement}" for one in listed)
    return hashlib.sha256(lines.encode()).hexdigest()[:12]


def made(m: Migration, check: str) -> tuple[Fix, ...]:
    """The changes in force for a check that can be taken back, the newest first."""
    found = reversed(m.story().fixes())
    return tuple(one.fix for one in found if one.check == check and not one.undone and one.fix.undo)


def apply(m: Migration, check: str, fixes: Iterable[Fix]) -> None:
    """Make changes for a check, one after the other.

    Raises:
        ServerError, CloudFailed: a server or the provider refused one, or its answer was lost; those before it are
            made.
    """
    for fix in fixes:
        m.scribe.fix(check, "applying", fix)
        _carry_out(m, fix, fix.statement)
        m.scribe.fix(check, "applied", fix)


def undo(m: Migration, check: str) -> None:
    """Take back what was done for a check, the newest change first.

    Raises:
        ServerError, CloudFailed: a server or the provider refused, or its answer was lost; what came before it is
            taken back.
    """
    for fix in made(m, check):
        m.scribe.fix(check, "undoing", fix)
        _carry_out(m, fix, fix.undo)
        m.scribe.fix(check, "undone", fix)


def set_aside(m: Migration) -> tuple[FixView, ...]:
    """The objects that were dropped for the way and are nowhere yet."""
    return tuple(one for one in m.story().fixes() if one.fix.set_aside and not one.undone)


def create_again(m: Migration, server: Server) -> None:
    """Create on a server what was set aside, the newest first; what is there already counts as created.

    Taken back in that order, triggers that fire together fire in their old order.

    Raises:
        ServerError: the server refused, or its answer was lost; what came before it is created.
    """
    for one in reversed(set_aside(m)):
        m.scribe.fix(one.check, "creating again", one.fix)
        try:
            _run(server, one.fix, one.fix.undo)
        except StatementFailed as error:
            if error.code not in _THERE:
                raise
        m.scribe.fix(one.check, "created again", one.fix)


def side_of(side: Side) -> str:
    """The word for where a change is made."""
    return {Side.BOTH: "both servers", Side.CLOUD: "the provider"}.get(side, f"the {side}")


def _carry_out(m: Migration, fix: Fix, statement: str) -> None:
    if fix.side is not Side.CLOUD:
        _run(m.on(fix.side), fix, statement)
    elif m.cloud is not None:
        m.cloud.run(statement)


def _run(server: Server, fix: Fix, statement: str) -> None:
    """Run a statement on a session of its own, which what it needs set does not outlive."""
    if server.before_change is not None:
        server.before_change()
    with contextlib.closing(server.connect()) as session:
        for line in fix.session:
            session.run(line)
        session.run(statement)
