"""PolarDB 2017-08-01: what can be bought and where, and what an order of a cluster has to hold."""

from __future__ import annotations

import re
from collections.abc import Mapping

from providers.sandbox.aliyun_api.cloud import Cloud
from providers.sandbox.aliyun_api.gateway import Action
from providers.sandbox.aliyun_api.refusals import bad_parameter, missing
from providers.sandbox.aliyun_api.state import VPC, VSWITCH, Body, Cluster, Parameters
from providers.sandbox.api.refusals import Refused

# Cores and GB ("Compute node specifications" of PolarDB for MySQL).
_SIZES = {
    "polar.mysql.x4.medium": (2, 8),
    "polar.mysql.x4.xlarge": (8, 32),
    "polar.mysql.x4.large": (4, 16),
}
USUAL_CLASS = "polar.mysql.x4.large"
_SERVERLESS_CLASS = "polar.mysql.sl.small"
_ZONES = ("h", "i")
# The vSwitches of each network, with the last letter of their zone.
_NETWORKS = {
    VPC: {VSWITCH: "h", "vsw-bp1second": "i"},
    "vpc-bp1other": {"vsw-bp1other": "h"},
}
# An account of the site for the mainland sees what is sold there.
_COMMODITIES = ("polardb_payg", "polardb_sub")
_ABROAD = tuple(f"{name}_intl" for name in _COMMODITIES)
_PERIODS = {"Month": range(1, 10), "Year": range(1, 4)}
_FORMS = {
    "LowerCaseTableNames": ("[01]?", "InvalidLowerCaseTableNames.Malformed"),
    "DefaultTimeZone": ("(SYSTEM|[+-][01][0-9]:[0-5][0-9])?", "InvalidDefaultTimeZone.Malformed"),
}


def actions(cloud: Cloud) -> dict[str, Action]:
    """The actions by name."""
    sale = _Sale(cloud)
    return {
        "DescribeDBClusterAvailableResources": Action(("PayType",), sale.resources),
        "DescribeClassList": Action(("CommodityCode",), sale.classes),
        "DescribeRdsVpcs": Action(("RegionId",), sale.networks),
    }


class _Sale:
    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def resources(self, given: Parameters) -> Body:
        region = self._cloud.scenario.region
        if given.get("DBVersion") not in (None, *self._cloud.databases.versions()):
            return {"AvailableZones": []}
        offered = [{"Category": "Normal", "DBNodeClass": name} for name in _SIZES]
        engine = f"mysql_{given.get('DBVersion', self._cloud.version).replace('.', '')}"
        engines = [{"Engine": engine, "AvailableResources": offered}]
        zones = [{"RegionId": region, "ZoneId": f"{region}-{letter}", "SupportedEngines": engines} for letter in _ZONES]
        return {"AvailableZones": zones}

    def classes(self, given: Parameters) -> Body:
        if given["CommodityCode"] not in (*_COMMODITIES, *_ABROAD):
            raise bad_parameter("CommodityCode")
        listed = [
            {"ClassCode": name, "Cpu": str(cores), "MemoryClass": str(memory), "ClassTypeLevel": "enterprise"}
            for name, (cores, memory) in _SIZES.items()
        ]
        return {
            "RegionId": self._cloud.scenario.region,
            "Items": listed if given["CommodityCode"] in _COMMODITIES else [],
        }

    def networks(self, given: Parameters) -> Body:
        region = self._cloud.scenario.region
        if given["RegionId"] != region:
            return {"Vpcs": {"Vpc": []}}
        found = [
            {
                "VpcId": name,
                "VpcName": name.removeprefix("vpc-bp1"),
                "CidrBlock": "172.16.0.0/12",
                "RegionNo": region,
                "Status": "Available",
                "VSwitchs": [
                    {
                        "VSwitchId": switch,
                        "VSwitchName": switch.removeprefix("vsw-bp1"),
                        "CidrBlock": f"172.16.{number}.0/24",
                        "IzNo": f"{region}-{letter}",
                        "Status": "Available",
                    }
                    for number, (switch, letter) in enumerate(switches.items())
                ],
            }
            for name, switches in _NETWORKS.items()
        ]
        return {"Vpcs": {"Vpc": found}}


def size_of(cluster: Cluster) -> Body:
    """The cores and the memory of each of a cluster's nodes, as PolarDB describes them."""
    cores, memory = _SIZES.get(cluster.order.get("DBNodeClass", USUAL_CLASS), (0, 0))
    if "ServerlessType" in cluster.order:
        # It begins with the least; a unit is about a core and 2 GB.
        cores = int(cluster.order["ScaleMin"])
        memory = 2 * cores
    return {"CpuCores": str(cores), "MemorySize": str(memory * 1024)}


def check(given: Parameters, region: str) -> None:
    """See whether what is ordered can be bought, source and versions apart.

    Raises:
        Refused: it cannot; the first parameter that is wrong is named.
    """
    for name, (form, code) in _FORMS.items():
        if not re.fullmatch(form, given.get(name, "")):
            raise Refused(400, code, f"The specified parameter {name} is not valid.")
    _check_payment(given)
    _check_class(given)
    _check_place(given, region)


def _check_payment(given: Parameters) -> None:
    if given["PayType"] not in ("Prepaid", "Postpaid"):
        raise bad_parameter("PayType")
    if given.get("AutoRenew", "false") not in ("true", "false"):
        raise bad_parameter("AutoRenew")
    if given["PayType"] == "Postpaid":
        return
    for name in ("Period", "UsedTime"):
        if name not in given:
            raise missing(name)
    allowed = _PERIODS.get(given["Period"])
    if allowed is None:
        raise bad_parameter("Period")
    if not given["UsedTime"].isdecimal() or int(given["UsedTime"]) not in allowed:
        raise bad_parameter("UsedTime")


def _check_class(given: Parameters) -> None:
    if "ServerlessType" not in given:
        if given.get("DBNodeClass", USUAL_CLASS) not in _SIZES:
            raise bad_parameter("DBNodeClass")
        return
    if given["ServerlessType"] != "AgileServerless":
        raise bad_parameter("ServerlessType")
    if given["PayType"] != "Postpaid":
        raise bad_parameter("PayType")
    if given.get("DBNodeClass") != _SERVERLESS_CLASS:
        raise bad_parameter("DBNodeClass")
    for least, most, allowed in (("ScaleMin", "ScaleMax", range(1, 33)), ("ScaleRoNumMin", "ScaleRoNumMax", range(16))):
        sizes = [given.get(name, "") for name in (least, most)]
        if not all(size.isdigit() and int(size) in allowed for size in sizes) or int(sizes[0]) > int(sizes[1]):
            raise bad_parameter(most)


def _check_place(given: Parameters, region: str) -> None:
    """VPC and vSwitch come together, and the vSwitch is of that VPC and in that zone."""
    zone = given.get("ZoneId", f"{region}-{_ZONES[0]}")
    if zone not in [f"{region}-{letter}" for letter in _ZONES]:
        raise bad_parameter("ZoneId")
    if ("VPCId" in given) != ("VSwitchId" in given):
        raise missing("VSwitchId" if "VPCId" in given else "VPCId")
    if "VPCId" not in given:
        return
    switches: Mapping[str, str] | None = _NETWORKS.get(given["VPCId"])
    if switches is None:
        raise bad_parameter("VPCId")
    if f"{region}-{switches.get(given['VSwitchId'])}" != zone:
        raise bad_parameter("VSwitchId")
