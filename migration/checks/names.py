"""Names of databases and tables that two servers could understand differently."""

from __future__ import annotations

from collections import defaultdict

from migration.check import Pair, Result, Severity, check
from migration.checks import facts, objects
from migration.checks.results import count, failed, not_applicable, passed, table
from migration.model import Side


@check(
    "names-by-capitals",
    "no two names differ in capitals only",
    Side.BOTH,
    Severity.BLOCKER,
    why="A target that does not tell capitals apart makes one table of the two, and mixes up their rows.",
    asks="names in information_schema.tables and .views; lower_case_table_names on both",
)
def by_capitals(pair: Pair) -> Result:
    """Fails where two databases, or two tables or views of one, differ in capitals only and the target merges them."""
    source, target = (
        facts.variables(pair, server).get("lower_case_table_names", "0") for server in (pair.source, pair.target)
    )
    if target == "0":
        return passed("the target tells them apart")
    if source != "0":
        return not_applicable("the source takes them for one, too")
    kinds = [("database", "", name) for name in facts.moved(pair)]
    kinds += [("table", t.base, t.name) for t in facts.tables(pair)]
    kinds += [("table", view.base, view.name) for view in objects.views(pair)]
    alike: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for kind, base, name in kinds:
        alike[kind, base, name.lower()].append(name)
    rows = [
        (kind, base, ", ".join(sorted(names))) for (kind, base, _), names in sorted(alike.items()) if len(names) > 1
    ]
    if not rows:
        return passed("none do")
    return failed(
        count(len(rows), "name is there twice", "names are there twice"),
        table(("kind", "database", "names"), rows),
        "Rename all but one of each (RENAME TABLE), in the application as well, or set up the target with "
        "lower_case_table_names = 0, which can be chosen only when its data directory is made.",
    )
