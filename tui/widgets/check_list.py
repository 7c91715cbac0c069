"""The list of findings, with a cursor."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from migration.check import Finding
from tui.text import fit
from tui.widgets.lines import WORD_STYLES, Row, row


def tally(findings: Sequence[Finding]) -> str:
    """`33 checks   27 OK   3 WARN   2 FAIL`: every word that occurs, the worst first."""
    counts = Counter(finding.word for finding in findings)
    parts = [f"{len(findings)} checks"]
    parts += [f"{counts[word]} {word}" for word in ("FAIL", "UNKNOWN", "WARN", "NOTE", "OK") if counts[word]]
    if counts["-"]:
        parts.append(f"{counts['-']} not applicable")
    return "   ".join(parts)


def window(total: int, cursor: int, room: int) -> range:
    """Which of `total` rows to show in `room` rows so that the cursor is among them."""
    start = min(max(0, cursor - room // 2), max(0, total - room))
    return range(start, min(total, start + room))


def remedy_word(finding: Finding, waived: frozenset[str], fixed: frozenset[str]) -> str:
    """Who can cure it: `auto` this program, `you` the operator."""
    if finding.check in waived:
        return "accepted"
    if finding.check in fixed:
        return "fixed"
    if finding.word in ("OK", "-"):
        return "-"
    return "auto" if finding.result.fixes else "you"


def check_rows(
    findings: Sequence[Finding],
    cells: int,
    room: int,
    cursor: int,
    waived: frozenset[str],
    fixed: frozenset[str],
) -> list[Row]:
    """A heading and as many findings as fit, around the cursor."""
    found = max(14, (cells - 26) // 3)
    title = cells - 22 - found
    rows: list[Row] = [row((fit(f"   {'Result':<9}{'Check':<{title}} {'Found':<{found}} Fix", cells), "dim"))]
    for index in window(len(findings), cursor, room - 1):
        finding = findings[index]
        chosen = index == cursor
        style = "mark" if chosen else ""
        rows.append(
            row(
                (f" {'▌' if chosen else ' '} ", style),
                (fit(finding.word, 9), WORD_STYLES.get(finding.word, "")),
                (fit(finding.title, title), style),
                (" " + fit(finding.result.found, found), style),
                (" " + fit(remedy_word(finding, waived, fixed), 8), "dim"),
            )
        )
    return rows
