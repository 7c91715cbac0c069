"""Ordering the PolarDB cluster that Alibaba Cloud fills from the RDS instance."""

from __future__ import annotations

import hashlib

from migration.aliyun import clone, sizes
from migration.aliyun.account import commands, of
from migration.aliyun.sizes import SERVERLESS
from migration.aliyun.state import cluster_id
from migration.model import Side
from migration.runbook import CloudFailed, Estimate, Migration, Observation, done, not_done
from providers.aliyun import polardb, rds
from providers.aliyun.calls import Write
from providers.aliyun.polardb_records import CLONE, MIGRATE, Created, NewCluster

STEP = "order"
PREPAID, _POSTPAID = "Prepaid", "Postpaid"
ENDS, RENEWED = "it ends", "it is renewed"
XENGINE = "xengine"
# PolarDB API reference, CreateDBCluster, DBNodeClass and ServerlessType.
SERVERLESS_CLASS = "polar.mysql.sl.small"
_MINUTES = "the page: 10 to 15 minutes until the cluster is there, then as long as the data takes"


def statements(m: Migration) -> tuple[str, ...]:
    """What will be called. The price stands on the provider's page for purchases, and nowhere in its interface."""
    return commands(_order(m))


def estimate(m: Migration) -> Estimate:
    """How long until the cluster is listed."""
    return Estimate(15 * 60.0, _MINUTES)


def probe(m: Migration) -> Observation:
    """Whether the cluster was ordered: as the journal has it, or as the provider lists it by its description."""
    known = cluster_id(m)
    if known is not None:
        return done(f"{known} was ordered")
    listed = of(m).read(lambda client: polardb.clusters(client, _description(m)))
    ours = [one.cluster_id for one in listed if one.description == _description(m) and one.cluster_id]
    if not ours:
        return not_done(f"no cluster is called {_description(m)}")
    _remember(m, ours[0])
    return done(f"{ours[0]} was ordered")


def apply(m: Migration) -> None:
    """Order it. The order's token makes it one purchase, however often it is sent.

    Raises:
        StepFailed: its nodes would be smaller than the source, or may be.
        CloudFailed: it was refused.
        CloudSilent: whether it was carried out is not known.
    """
    sizes.require(m, STEP)
    created = of(m).send(_order(m))
    if created.cluster_id is None:
        raise CloudFailed(
            f"The order {created.order_id} of a cluster from {of(m).instance_id} was accepted, and the answer does not "
            f"name the cluster. Try again, which looks for one that is called {_description(m)!r}."
        )
    _remember(m, created.cluster_id)


def _remember(m: Migration, cluster: str) -> None:
    m.scribe.placed(Side.TARGET, cluster, "", 0)


def _description(m: Migration) -> str:
    return f"{of(m).instance_id} {m.spec.id}"


def _order(m: Migration) -> Write[Created]:
    account, chosen = of(m), m.story().chosen
    instance = account.read(lambda client: rds.instance(client, account.instance_id))
    parameters = account.read(lambda client: rds.parameters(client, account.instance_id))
    order = NewCluster(
        token=hashlib.sha256(f"{m.spec.id} {account.instance_id}".encode()).hexdigest()[:32],
        source_id=account.instance_id,
        version=chosen.get("version") or instance.version or "",
        creation=CLONE if clone.wanted(m) else MIGRATE,
        pay_type=pay_type(chosen.get("billing", "")),
        node_class=chosen.get("node_class") or None,
        zone_id=chosen.get("zone") or instance.zone_id,
        vpc_id=chosen.get("vpc") or instance.vpc_id or None,
        vswitch_id=chosen.get("vswitch") or instance.vswitch_id or None,
        description=_description(m),
        lower_case_table_names=parameters.get("lower_case_table_names"),
        time_zone=_time_zone(parameters.get("default_time_zone")),
        options=_options(chosen),
    )
    return polardb.create_cluster(order)


def pay_type(billing: str) -> str:
    """How it is paid for in the order's own words, by what was chosen; pay as you go where nothing was."""
    return PREPAID if billing == PREPAID else _POSTPAID


def _time_zone(setting: str | None) -> str | None:
    return setting if setting and setting.upper() != "SYSTEM" else None


def _options(chosen: dict[str, str]) -> dict[str, str]:
    options: dict[str, str] = {}
    if chosen.get("storage_engine") == XENGINE:
        options |= {"LooseXEngine": "ON", "LooseXEngineUseMemoryPct": chosen.get("xengine_share") or "50"}
    if chosen.get("billing") == PREPAID:
        number, _, unit = (chosen.get("period") or "1 month").partition(" ")
        options |= {
            "Period": unit.removesuffix("s").capitalize(),
            "UsedTime": number,
            "AutoRenew": "true" if chosen.get("renewal") == RENEWED else "false",
        }
    if chosen.get("billing") == SERVERLESS:
        options |= {
            "ServerlessType": "AgileServerless",
            "ScaleMin": chosen.get("scale_min", ""),
            "ScaleMax": chosen.get("scale_max", ""),
            # One reader from the beginning, as a cluster of fixed classes has it, which stays one.
            "ScaleRoNumMin": "1",
            "ScaleRoNumMax": "1",
        }
    return options
