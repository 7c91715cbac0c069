"""Running checks, one after the other."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

from migration.check import Check, Finding, NoTarget, Pair, Result, Route, Severity, Verdict
from migration.checks import facts, objects
from migration.runbook import CloudFailed
from providers.mysql.errors import PrivilegeMissing, ServerError

# What most checks rest on and an old server takes longest for.
_AHEAD: tuple[Callable[[Pair], object], ...] = (
    facts.tables, facts.foreign_keys, facts.keys, facts.columns,
    objects.triggers, objects.views, objects.routines, objects.events,
)  # fmt: skip
# More at once would be felt by the source's clients.
_AT_ONCE = 3
# The servers' own sentences for errors 1227 and 1142, and the one of `sight.require`.
_NEEDS = re.compile(r"(?:need (?:\(at least one of\) )?|lacks )the (?P<names>.+?) privilege")
_DENIED = re.compile(r"(?P<command>[A-Z][A-Z ]*) command denied to user .* for table (?P<table>[^\s);]+)")


def arising(checks: Iterable[Check], route: Route) -> tuple[Check, ...]:
    """Those whose question arises on a route."""
    return tuple(check for check in checks if check.severity_on(route) is not None)


def run_checks(pair: Pair, checks: Iterable[Check]) -> Iterator[Finding]:
    """Run each check and yield its finding at once.

    A check whose questions a server did not answer yields the verdict unknown, with the reason.
    """
    for check in checks:
        yield run_check(pair, check)


def run_catalogue(pair: Pair, checks: Iterable[Check]) -> Iterator[Finding]:
    """Run very many checks: as `run_checks`, while what most of them rest on is asked for on sessions beside."""
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="facts") as beside:
        # What one of them cannot be told is told to the check that asks for it.
        for fact in _AHEAD:
            beside.submit(fact, pair)
        yield from run_checks(pair, checks)


def run_check(pair: Pair, check: Check) -> Finding:
    """Run one check; see `run_checks`."""
    try:
        result = check.run(pair)
    except ServerError as error:
        result = unknown(error)
    except CloudFailed as error:
        evidence = (("the provider said",), (str(error),))
        result = Result(Verdict.UNKNOWN, "could not be asked", evidence, str(error))
    except NoTarget:
        result = Result(Verdict.NOT_APPLICABLE, "no target was given")
    severity = check.severity_on(pair.route) or Severity.NOTICE
    return Finding(check.id, check.title, check.side, severity, check.why, check.asks, result)


def unknown(error: ServerError) -> Result:
    """What stands in place of an answer that a server did not give."""
    evidence = (("server", "what it said"), (error.server, str(error)))
    if isinstance(error, PrivilegeMissing):
        needed = missing_privilege(error)
        remedy = f"Grant {needed} to the account used on {error.server}, then run the check again."
        return Result(Verdict.UNKNOWN, f"needs {needed}", evidence, remedy)
    return Result(Verdict.UNKNOWN, "could not be asked", evidence, str(error))


def missing_privilege(error: PrivilegeMissing) -> str:
    """The name of the privilege, from the server's own words."""
    words = str(error)
    if needs := _NEEDS.search(words):
        return needs["names"]
    if denied := _DENIED.search(words):
        return f"{denied['command'].strip()} on {denied['table']}"
    return "a privilege"
