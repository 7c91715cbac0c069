"""Endpoint pairs, whitelists, routes and scenarios, without servers."""

from __future__ import annotations

import pytest

from providers.sandbox.aliyun_api.machine import Route
from providers.sandbox.aliyun_api.scenario import BusinessTask, Durations, ReadOnlyInstance, Scenario
from providers.sandbox.aliyun_api.state import (
    Address,
    CloudEndpoint,
    changed_groups,
    checked_pairs,
    exchanged,
    route_of,
    strings,
    usual_pairs,
)
from providers.sandbox.api.refusals import Refused


def endpoint(name: str, kind: str, *addresses: Address) -> CloudEndpoint:
    return CloudEndpoint(name, kind, addresses)


def private(name: str, ssl: bool = False) -> Address:
    return Address(name, 3306, "Private", f"vip-of-{name}", ssl)


def public(name: str) -> Address:
    return Address(name, 3307, "Public", f"vip-of-{name}")


RDS = (
    endpoint("rm-normal", "Primary", private("rm"), public("rm-public")),
    endpoint("rm-proxy", "Maxscale", private("proxy")),
    endpoint("rr-normal", "ReadOnly", private("rr")),
)
POLARDB = (endpoint("pe-1", "Primary", private("pc")), endpoint("pe-2", "Cluster", private("pc-rw")))


def test_each_address_is_paired_with_one_of_its_kind_and_what_has_none_stays() -> None:
    assert usual_pairs(RDS, POLARDB) == {"rm": "pc", "proxy": "pc-rw"}
    more = (*POLARDB, endpoint("pe-3", "Custom", private("pc-ro")))
    assert usual_pairs(RDS, more) == {"rm": "pc", "proxy": "pc-rw", "rr": "pc-ro"}
    with_public = (endpoint("pe-1", "Primary", private("pc"), public("pc-public")),)
    assert usual_pairs(RDS, with_public) == {"rm": "pc", "rm-public": "pc-public"}
    assert usual_pairs((endpoint("rm-normal", "Primary", private("rm", ssl=True)),), POLARDB) == {}


def test_named_pairs_may_be_given_either_way_round() -> None:
    assert checked_pairs(RDS, POLARDB, {"rm": "pc"}) == {"rm": "pc"}
    assert checked_pairs(RDS, POLARDB, {"pc": "rm"}) == {"rm": "pc"}
    assert checked_pairs(RDS, POLARDB, {"rm": "pc-rw"}) == {"rm": "pc-rw"}


@pytest.mark.parametrize(
    "wanted", [{"rm": "elsewhere"}, {"rm-public": "pc"}, {"rr": "pc"}, {"rm": "rr"}, {"rm": "pc", "proxy": "pc"}]
)
def test_pairs_that_cannot_be_exchanged_are_refused(wanted: dict[str, str]) -> None:
    with pytest.raises(Refused, match="InvalidConnectionString"):
        checked_pairs(RDS, POLARDB, wanted)


def test_an_exchange_moves_names_and_ports_and_leaves_virtual_addresses() -> None:
    changed = exchanged(RDS, {"rm": POLARDB[0].addresses[0]})
    assert [one.connection_string for one in changed[0].addresses] == ["pc", "rm-public"]
    assert changed[0].addresses[0].ip == "vip-of-rm"
    assert exchanged(changed, {"pc": RDS[0].addresses[0]}) == RDS
    assert set(strings(changed)) == {"pc", "rm-public", "proxy", "rr"}


def test_whitelists_are_covered_extended_and_cut() -> None:
    groups = {"default": ("10.0.0.1", "10.0.0.2"), "other": ("1.1.1.1",)}
    assert changed_groups(groups, "default", "10.0.0.9", "Cover")["default"] == ("10.0.0.9",)
    appended = changed_groups(groups, "default", "10.0.0.2,10.0.0.3", "Append")
    assert appended == {"default": ("10.0.0.1", "10.0.0.2", "10.0.0.3"), "other": ("1.1.1.1",)}
    assert changed_groups(groups, "default", "10.0.0.1", "Delete")["default"] == ("10.0.0.2",)
    assert changed_groups(groups, "new", "10.0.0.1", "Append")["new"] == ("10.0.0.1",)
    with pytest.raises(Refused, match="InvalidParameter"):
        changed_groups(groups, "default", "10.0.0.1", "Replace")


@pytest.mark.parametrize(
    ("facts", "route"),
    [
        (("HighAvailability", "local_ssd", "rds_20190815", "5.6", "5.6"), Route.PHYSICAL),
        (("HighAvailability", "local_ssd", "rds_20190814", "5.6", "5.6"), Route.LOGICAL),
        (("HighAvailability", "local_ssd", "rds_20200331", "5.7", "5.7"), Route.PHYSICAL),
        (("HighAvailability", "local_ssd", "rds_20200330", "5.7", "5.7"), Route.LOGICAL),
        (("HighAvailability", "local_ssd", "rds_20230630", "5.6", "5.7"), Route.LOGICAL),
        (("HighAvailability", "cloud_essd", "rds_20230630", "5.7", "5.7"), Route.LOGICAL),
        (("Basic", "local_ssd", "rds_20230630", "5.7", "5.7"), Route.LOGICAL),
        (("HighAvailability", "local_ssd", "rds_20230630", "8.0", "8.0"), Route.LOGICAL),
    ],
)
def test_the_cloud_chooses_the_route(facts: tuple[str, str, str, str, str], route: Route) -> None:
    assert route_of(*facts) is route


def test_scenarios_survive_their_way_as_json() -> None:
    scenario = Scenario(
        rules="2019",
        read_only=(ReadOnlyInstance("rr-1", {"default": "10.1.1.1"}),),
        tasks=(BusinessTask("to the warehouse", rds="dest", two_way=True),),
        durations=Durations().at_pace(100),
    )
    assert Scenario.from_json(scenario.as_json()) == scenario
    assert (scenario.days, scenario.durations.close) == (7, 1.2)
