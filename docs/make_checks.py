"""Write docs/checks.md from the catalogue of checks: python docs/make_checks.py."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from migration.aliyun import checks as aliyun
from migration.aws import checks as aws
from migration.aws.active_active import two_sides
from migration.aws.blue_green import blue_and_green
from migration.aws.multi_az import in_place
from migration.azure import checks as azure
from migration.azure.data_in import checks as azure_data_in
from migration.azure.dms import checks as azure_dms
from migration.check import Check, Route
from migration.checks import TOPICS, of_topic

PROVIDERS = {
    "Alibaba Cloud": aliyun.TOPICS,
    "Amazon RDS": (*aws.TOPICS, blue_and_green, in_place, two_sides),
    "Azure": (*azure.TOPICS, *azure_data_in.TOPICS, *azure_dms.TOPICS),
}
EVERY = (*TOPICS, *(topic for topics in PROVIDERS.values() for topic in topics))

PAGE = Path(__file__).with_name("checks.md")
HEAD = """# The checks

<!-- Written by docs/make_checks.py from the catalogue in migration/checks; change it there and run the script. -->

What is asked of the servers before anything is done to them, by `cutover check` and as the first stage of every
migration. A check that fails is a **blocker** (data loss or a failed cutover is likely: the migration goes no further
unless somebody waives it, with a reason), a **warning** (a known cost or risk) or a **notice** (good to know). One that
a server did not answer is *unknown* and blocks like a failed one, unless it is a notice.

What a finding means depends on how the rows travel, the route: **native**, the servers' own replication; **physical**,
a provider copies the data files, and its replication goes on from there; **logical**, a provider's tool reads rows and
the binary log and writes them as a client would. One word stands for all three; a dash means that the question does
not arise there.

The ids are stable. No check reads, locks or scans a user's table, and none writes on a server unless its row says so.
Those with *yes* under "gate" are asked once more right before the cutover.

For pipelines: `cutover check SOURCE [TARGET] --json --junit FILE`. It ends with 0 where all is clean, 1 for warnings, 2
for blockers, 3 where a check could not tell and 4 where a server could not be reached. In the JUnit file a blocker is a
failure, an unknown check an error, and a warning is skipped, with its message; what does not apply is left out.
"""
COLUMNS = ("id", "check", "severity", "why", "what is asked", "gate", "writes", "published")


def page() -> str:
    """The whole page."""
    return "\n".join((HEAD, *(line for topic in EVERY for line in section(topic))))


def section(topic: ModuleType) -> Iterator[str]:
    """A topic: a heading, the first sentence of its file, and its checks."""
    name = topic.__name__.rpartition(".")[2].replace("_", " ")
    of = next((f"{provider}: " for provider, topics in PROVIDERS.items() if topic in topics), "")
    yield f"## {of}{name.capitalize()}\n"
    yield f"{(topic.__doc__ or '').strip().splitlines()[0]}\n"
    yield row(COLUMNS)
    yield row(("---",) * len(COLUMNS))
    for check in of_topic(topic):
        yield row(cells(check))
    yield ""


def cells(check: Check) -> tuple[str, ...]:
    """The row of one check."""
    return (
        f"`{check.id}`",
        text(check.title),
        severity(check),
        text(check.why),
        text(check.asks),
        "yes" if check.again else "",
        text(check.writes) or "nothing",
        published(check.page),
    )


def severity(check: Check) -> str:
    """One word where it is the same on every route, else one for each."""
    words = {route: found.value if (found := check.severity_on(route)) else "–" for route in Route}
    if len(set(words.values())) == 1:
        return words[Route.NATIVE]
    return "<br>".join(f"{route.value}: {word}" for route, word in words.items())


def published(where: str) -> str:
    """A link for an address; the title of a manual's chapter as it is."""
    return f"<{where}>" if where.startswith("https://") else text(where)


def text(words: str) -> str:
    """Words as a cell of a Markdown table shows them unchanged."""
    for char in "\\`*_|<[":
        words = words.replace(char, f"\\{char}")
    return " ".join(words.split())


def row(columns: tuple[str, ...]) -> str:
    """A line of a table."""
    return f"| {' | '.join(columns)} |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
