"""A video shop moved from 5.6 to 5.7 to 9.7: what the checks foretell is what breaks, no less and no more."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from migration.check import Finding, Route, Verdict
from migration.checks import on_route
from migration.checks.run import run_checks
from migration.journal import Journal, Kind
from migration.records import Scribe
from migration.runbook import Migration
from migration.steps import attach, copy
from providers.mysql import replication
from providers.mysql.errors import ServerError
from providers.mysql.gtid import GtidSet
from providers.mysql.server import Server
from tests.migration.checks import video
from tests.migration.checks.lab import Lab, make_lab
from tests.support.moving import QuietDesk
from tests.support.pairs import Two, running


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Lab]]:
    """The two hops; the target of the first is the source of the second."""
    directory = tmp_path_factory.mktemp("three")
    with contextlib.ExitStack() as stack:
        engines = ("mysql-5.6", "mysql-5.7", "mysql-9.7")
        boxes = [stack.enter_context(running(one, directory / one, name=one)) for one in engines]
        old, middle, new = (stack.enter_context(contextlib.closing(Server(box.endpoint()))) for box in boxes)
        for statement in video.EVERYTHING:
            old.change(statement)
        yield {
            "5.7": make_lab(Two(old, middle, GtidSet, (boxes[0], boxes[1]))),
            "9.7": make_lab(Two(middle, new, GtidSet, (boxes[1], boxes[2]))),
        }


def named(findings: Mapping[str, Finding], check: str) -> set[str]:
    """The objects in a failed check's evidence, as `database.name`."""
    result = findings[check].result
    if result.verdict is not Verdict.FAILED:
        return set()
    heads, *rows = result.evidence
    if "object" in heads:
        return {row[heads.index("object")] for row in rows if row[heads.index("error")] != "not tried"}
    if "database" in heads:
        return {f"{row[heads.index('database')]}.{row[heads.index('name')]}" for row in rows}
    return {row[heads.index("name")] for row in rows}


def move(lab: Lab, path: Path) -> None:
    """The product's own copy, and its replication from there on."""
    with contextlib.closing(Journal.create(path)) as journal:
        journal.append(Kind.CREATED, "one", lab.pair.spec.to_json())
        pair = lab.pair
        m = Migration(
            pair.spec, pair.secrets, lab.source, lab.target, pair.positioning, Scribe(journal), QuietDesk()
        )  # fmt: skip
        copy.apply(m)
        attach.apply(m)
        replication.wait_running(lab.target, 10)
    lab.source.change("INSERT INTO video.film (title) VALUES ('While it replicates')")
    lab.two.caught_up()


def broken_in_use(lab: Lab) -> set[str]:
    """What gives an error on the target, or another answer than on the source, where it works on the source."""
    broken = set()
    for name, statement in video.USES.items():
        try:
            wanted = lab.source.rows(statement)
        except ServerError:
            continue
        try:
            if lab.target.rows(statement) != wanted:
                broken.add(name)
        except ServerError:
            broken.add(name)
    return broken


def refused(target: Server, statement: str) -> bool:
    """Whether the target really refuses a definition, tried beside the others of its database."""
    session = target.connect()
    with contextlib.closing(session):
        session.run("SET SESSION sql_log_bin = 0")
        session.run("USE video")
        try:
            session.run(statement)
        except ServerError:
            return True
    return False


@pytest.mark.parametrize("to", ["5.7", "9.7"])
def test_what_is_foretold_is_what_breaks(three: dict[str, Lab], to: str, tmp_path: Path) -> None:
    lab = three[to]
    lab = replace(lab, pair=replace(lab.pair, spec=replace(lab.pair.spec, databases=("video",))))
    findings = {finding.check: finding for finding in run_checks(lab.pair, on_route(Route.NATIVE))}
    told_refused = named(findings, "objects-accepted")
    told_broken = named(findings, "removed-functions") | named(findings, "group-by-order")

    wrong = video.REFUSED_BY_57 if to == "5.7" else video.REFUSED_BY_97
    assert told_refused == set(wrong)
    unknown = [one.check for one in findings.values() if one.word == "UNKNOWN"]
    assert unknown == []

    # The remedy: what is refused goes, and the rest moves.
    for name in told_refused:
        lab.source.change(f"DROP {video.DROPS.get(name, 'PROCEDURE')} {name}")
    move(lab, tmp_path / "journal.db")
    assert {name for name, statement in wrong.items() if refused(lab.target, statement)} == told_refused
    assert broken_in_use(lab) == told_broken - told_refused == (set() if to == "5.7" else set(video.BROKEN_ON_97))

    replication.forget(lab.target)
    lab.target.change(lab.target.dialect.unfence)
