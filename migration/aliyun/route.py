"""How the provider moves an instance: it chooses, by the source's edition, storage and versions."""

from __future__ import annotations

from migration.aliyun.account import of
from migration.check import Route
from migration.runbook import Migration
from providers.aliyun import rds
from providers.aliyun.rds import Instance

# "Overview" of the one-click upgrade: the first minor versions that can be moved physically.
PHYSICAL_FROM = {"5.6": 20190815, "5.7": 20200331}


def route_of(m: Migration) -> Route:
    """How the rows of a migration will travel.

    Raises:
        CloudFailed: the source cannot be asked about.
    """
    account = of(m)
    instance = account.read(lambda client: rds.instance(client, account.instance_id))
    return chosen_route(instance, m.chosen("version") or instance.version)


def chosen_route(instance: Instance, version: str | None) -> Route:
    """How an instance travels to a cluster of this version."""
    least = PHYSICAL_FROM.get(instance.version or "")
    local = (instance.category, instance.storage_type) == ("HighAvailability", "local_ssd")
    number = (instance.kernel or "").rpartition("_")[2]
    recent = least is not None and number.isdigit() and int(number) >= least
    return Route.PHYSICAL if local and recent and version == instance.version else Route.LOGICAL
