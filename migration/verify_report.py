"""What a verification found, as lines for people and as a document for programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any

from migration.check_report import ServerSeen
from migration.model import Side
from migration.verify.model import Difference, Doubt, Mode, Outcome, Table, Verdict

FORMAT = "cutover-verify"
VERSION = 1
"""Of the document. It grows when a field is taken away or means something else; a field may be added without."""

MOST_LINES = 200
"""Of rows that differ, for people; the document has all that are known."""


@dataclass(frozen=True)
class VerifyReport:
    """A verification that has ended.

    `at`: when it began, UTC, in ISO 8601. `databases`, `pattern`: what was to be compared. `only_on_target`: databases
    that the source does not have, which were not looked at.
    """

    at: str
    source: ServerSeen
    target: ServerSeen
    databases: tuple[str, ...]
    pattern: str
    only_on_target: tuple[str, ...]
    outcome: Outcome

    def to_json(self) -> dict[str, Any]:
        """The document. `miss` is the probability that a difference was missed."""
        outcome = self.outcome
        return {
            "format": FORMAT,
            "version": VERSION,
            "at": self.at,
            "seconds": round(outcome.seconds, 3),
            "servers": {Side.SOURCE.value: asdict(self.source), Side.TARGET.value: asdict(self.target)},
            "databases": list(self.databases),
            "pattern": self.pattern,
            "only_on_target": list(self.only_on_target),
            "verdict": outcome.verdict.value,
            "mode": outcome.mode.value,
            "miss": outcome.miss,
            "tables": outcome.tables,
            "rows": outcome.rows,
            "reread": outcome.reread,
            "redone": outcome.redone,
            "found": outcome.found,
            "differences": [_difference(one) for one in outcome.differences],
            "doubts": [_doubt(one) for one in outcome.doubts],
        }

    def lines(self) -> Iterator[str]:
        """For people. What the servers said stands in it as it came: the caller makes it harmless for a terminal."""
        yield from outcome_lines(self.outcome)
        if self.only_on_target:
            names = ", ".join(self.only_on_target)
            yield f"databases not compared, since the source does not have them: {names}"


def outcome_lines(outcome: Outcome) -> Iterator[str]:
    """How a verification ended: the verdict, what differs, what is not proved, and what is proved more weakly."""
    yield _verdict(outcome)
    yield _extent(outcome)
    yield from _differing(outcome)
    for doubt in outcome.doubts:
        if doubt.unproved:
            yield f"NOT PROVED  {shown_doubt(doubt)}"
    for doubt in outcome.doubts:
        if not doubt.unproved:
            yield f"WEAKER      {shown_doubt(doubt)}"


def _verdict(outcome: Outcome) -> str:
    found = _number(outcome.found, "difference")
    unproved = any(doubt.unproved for doubt in outcome.doubts)
    if outcome.verdict is Verdict.DIFFERENT:
        return f"DIFFERENT   {found} between source and target" + (", and not everything is proved" if unproved else "")
    if outcome.verdict is Verdict.IDENTICAL:
        return "IDENTICAL   source and target hold the same rows"
    also = f"; {found} so far" if outcome.found else ""
    return f"UNPROVED    it could not be proved that source and target hold the same rows{also}"


def _extent(outcome: Outcome) -> str:
    again = []
    if outcome.reread:
        again.append(f"{_number(outcome.reread, 'row')} that had changed")
    if outcome.redone:
        again.append(_number(outcome.redone, "table"))
    how = "byte for byte" if outcome.mode is Mode.EXACT else "by checksums"
    if outcome.miss:
        # A large table without a usable key is compared by checksums in each mode.
        partly = ", some tables by checksums" if outcome.mode is Mode.EXACT else ""
        how += f"{partly}, a miss has a probability of {outcome.miss:.1e},"
    compared = f"{_number(outcome.tables, 'table')}, {_number(outcome.rows, 'row')} compared {how}"
    return f"{'':12}{compared} in {outcome.seconds:.1f} s" + (f"; {' and '.join(again)} again" if again else "")


def _differing(outcome: Outcome) -> Iterator[str]:
    shown = sorted(outcome.differences, key=lambda one: (one.table, one.key))[:MOST_LINES]
    for table, rows in groupby(shown, key=lambda one: one.table):
        yield f"  {shown_table(table)}"
        yield from _aligned([(shown_key(one), _how(one)) for one in rows])
    left = outcome.found - sum(max(1, one.rows) for one in shown)
    if left > 0:
        yield f"  and {left:,} more"


def _aligned(rows: Sequence[tuple[str, str]]) -> Iterator[str]:
    width = min(60, max(len(key) for key, _ in rows))
    for key, how in rows:
        yield f"    {key:{width}}  {how}"


def shown_key(one: Difference) -> str:
    """Which row it is, in words."""
    if not one.rows:
        return "(the table)"
    return ", ".join(f"{name} = {value}" for name, value in one.key) or "(no key)"


def _how(one: Difference) -> str:
    words = one.kind.value
    if one.columns:
        words += f": {', '.join(one.columns)}"
    return words if one.rows <= 1 else f"{words} ({one.rows:,} equal rows)"


def shown_table(table: Table | None) -> str:
    """A table by its name; None stands for all."""
    return ".".join(table) if table is not None else "all tables"


def shown_doubt(doubt: Doubt) -> str:
    """What cannot be proved, or only more weakly, and why."""
    return f"{shown_table(doubt.table)}: {doubt.reason}"


def _number(number: int, one: str) -> str:
    return f"{number:,} {one}" + ("" if number == 1 else "s")


def _difference(one: Difference) -> dict[str, Any]:
    return {
        "database": one.table[0],
        "table": one.table[1],
        "kind": one.kind.name.lower(),
        "key": dict(one.key),
        "columns": list(one.columns),
        "rows": one.rows,
    }


def _doubt(one: Doubt) -> dict[str, Any]:
    database, table = one.table or (None, None)
    return {"database": database, "table": table, "reason": one.reason, "unproved": one.unproved}
