"""The provider's own evaluation of the migration: it is started on the operator's word, and only read here."""

from __future__ import annotations

from datetime import UTC, datetime

from migration.aliyun.checks.asking import BOTH_WAYS, STEPS, account, answered, call_fix, instance, unsaid
from migration.check import Fix, Pair, Result, Severity, Verdict, check
from migration.checks.results import count, failed, not_applicable, passed, table
from migration.model import Side
from providers.aliyun import polardb
from providers.aliyun.polardb_records import Report

# PolarDB, Migration evaluation, Supported regions.
_REGIONS = frozenset({
    "cn-hangzhou", "cn-shanghai", "cn-shenzhen", "cn-beijing", "cn-zhangjiakou", "cn-wulanchabu", "cn-chengdu",
    "cn-hongkong", "ap-southeast-1", "ap-southeast-5", "us-west-1", "us-east-1",
})  # fmt: skip
_RUNNING = "running"
_NOTHING = ("", "[]")
_BEGINNING = datetime.min.replace(tzinfo=UTC)
_HEADS = ("task", "result", "from", "to", "started", "ended", "valid until")


@check(
    "polardb-evaluation",
    "provider has evaluated the migration",
    Side.CLOUD,
    Severity.NOTICE,
    why="The provider's evaluation looks at the source itself and tells what its precheck would stumble over.",
    asks="polardb:DescribeUpgradeReport; it is started by polardb:GenerateUpgradeReportForSyncClone, never by a check",
    routes=BOTH_WAYS,
    page=STEPS,
)
@answered
def evaluated(pair: Pair) -> Result:
    """Tells that there is no report that still counts."""
    if why := _not_offered(pair):
        return not_applicable(why)
    newest = _newest(pair)
    if newest is None:
        return failed("no report", (), _REMEDY, *_start(pair))
    evidence = table(_HEADS, [_cells(newest)])
    if (newest.result or "").lower() == _RUNNING:
        return Result(
            Verdict.UNKNOWN, "under way", evidence, "It takes some minutes: run the checks again then, and read it."
        )
    if newest.valid_until is not None and newest.valid_until < datetime.now(UTC):
        return failed("the report has expired", evidence, _REMEDY, *_start(pair))
    wanted = _wanted(pair)
    if newest.target_version and wanted and newest.target_version != wanted:
        return failed(f"to {newest.target_version}, not to {wanted}", evidence, _REMEDY, *_start(pair))
    return passed(f"{newest.result}, to {newest.target_version}", evidence)


@check(
    "polardb-evaluation-found",
    "provider's evaluation is clean",
    Side.CLOUD,
    Severity.WARNING,
    why="What the provider's own evaluation names, its precheck refuses once the cluster has been bought.",
    asks="polardb:DescribeUpgradeReport of the newest report",
    routes=BOTH_WAYS,
    page=STEPS,
)
@answered
def findings(pair: Pair) -> Result:
    """Fails where the newest report names something."""
    if why := _not_offered(pair):
        return not_applicable(why)
    asked, newest = account(pair), _newest(pair)
    if newest is None or newest.task_id is None:
        return not_applicable("no report yet")
    if (newest.result or "").lower() == _RUNNING:
        return not_applicable("under way")
    task = newest.task_id
    found = asked.read(lambda client: polardb.evaluation(client, asked.instance_id, task))
    rows = [("result", newest.result or "-", ""), ("details, as the provider has them", found.details or "-", "")]
    rows += [
        (item.kind or "-", ".".join(filter(None, (item.schema, item.name))), item.status or "")
        for item in found.items or ()
    ]
    evidence = table(("what", "which", "status"), rows)
    if found.items:
        return failed(
            count(len(found.items), "object is named", "objects are named"),
            evidence,
            "Cure what it names; most of it has a check of its own here, with a fix. Then start another evaluation.",
        )
    clean = "success" in (newest.result or "").lower()
    if (found.details or "").strip() in _NOTHING or clean:
        return passed(str(newest.result), evidence)
    return unsaid(f"in a form that is published what it found ({newest.result})", evidence)


_REMEDY = (
    "Start one: it reads the source, changes nothing and costs nothing, takes some minutes and is kept for seven days. "
    "Nothing takes it back, nor has to. Then run the checks again."
)


def _not_offered(pair: Pair) -> str:
    """Why there can be no evaluation here, empty where there can."""
    asked = account(pair)
    if asked.rules == "2019":
        return "the rules of 2019 have none"
    return "" if asked.client.region in _REGIONS else f"not offered in {asked.client.region}"


def _newest(pair: Pair) -> Report | None:
    asked = account(pair)
    reports = pair.once(
        "evaluations", lambda: asked.read(lambda client: polardb.evaluations(client, asked.instance_id))
    )
    return max(reports, key=lambda one: (one.started or _BEGINNING, one.task_id or ""), default=None)


def _cells(report: Report) -> tuple[object, ...]:
    return (
        report.task_id, report.result, report.source_version, report.target_version, report.started, report.ended,
        report.valid_until,
    )  # fmt: skip


def _wanted(pair: Pair) -> str | None:
    """The cluster's version: the one that was chosen, the source's own where nothing was asked."""
    return pair.chosen.get("version") or instance(pair).version


def _start(pair: Pair) -> tuple[Fix, ...]:
    """The fix that starts an evaluation; none where it is not known for which version."""
    version = _wanted(pair)
    if not version:
        return ()
    return (
        call_fix(
            polardb.start_evaluation(account(pair).instance_id, version),
            None,
            setting="migration evaluation",
            was="none that counts",
            becomes="under way",
            reach="nobody; it reads the source",
        ),
    )
