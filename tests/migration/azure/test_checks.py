"""What is asked of the provider before a tier is changed."""

from __future__ import annotations

from dataclasses import replace

from migration.azure import choices
from migration.check import Route, Verdict
from providers.azure import flexible
from providers.azure.records import Server
from providers.sandbox.api.faults import Fault, Kind
from tests.migration.azure.conftest import CHECKS, Bench, Rent


def told(one: Bench, action: str, **properties: object) -> None:
    """Let the service describe the source otherwise."""
    now = seen(one)
    shown = {
        "state": now.state,
        "version": now.version,
        "replicationRole": now.role,
        "replicaCapacity": now.replica_capacity,
        "fullyQualifiedDomainName": now.host,
        **properties,
    }
    one.simulator.faults.add(Fault(Kind.ALTER, action, None, fields={"properties": shown}))


def seen(one: Bench) -> Server:
    return one.account.read(lambda client: flexible.server(client, one.account.source))


def test_what_is_retired_is_said_by_the_checks_and_on_the_screen_that_offers_it(rent: Rent) -> None:
    single, classic, flexible = rent("single", sku="GP_Gen5_4"), rent("classic", sku="MP1"), rent()
    assert single.word("azure-retired") == "WARN"
    assert "2024-09-16" in str(single.find("azure-retired").result.evidence)
    assert "2024-09-16" in choices.CHOOSE_ENDING.consequence(single.m)
    assert classic.word("azure-retired") == "WARN"
    assert "retired years ago" in choices.CHOOSE_ENDING.consequence(classic.m)
    assert flexible.word("azure-retired") == "OK"
    assert "retired" not in choices.CHOOSE_ENDING.consequence(flexible.m)


def test_a_usual_server_passes_and_its_first_replica_is_told_of(rent: Rent) -> None:
    one = rent()
    words = {check: one.word(check) for check in CHECKS}
    assert {check for check, word in words.items() if word != "OK"} == {"azure-first-replica"}
    assert words["azure-first-replica"] == "WARN"


def test_a_classic_server_needs_a_complete_backup(rent: Rent) -> None:
    assert rent("classic", sku="MP1").word("azure-backup") == "OK"
    finding = rent("classic", sku="MP1", backups=False).find("azure-backup")
    assert (finding.word, finding.result.found) == ("WARN", "none is Ready")


def test_what_the_service_refuses_is_found_first(rent: Rent) -> None:
    assert rent(tier="Burstable", sku="Standard_B1ms").word("azure-source-tier") == "FAIL"
    assert rent("single", tier="Basic", sku="B_Gen5_1").word("azure-source-tier") == "FAIL"
    stopped = rent()
    told(stopped, "flexible:Servers_Get", state="Stopped", replicaCapacity=0)
    assert stopped.word("azure-server-ready") == "FAIL"
    assert stopped.word("azure-replica-capacity") == "FAIL"
    follower = rent()
    told(follower, "flexible:Servers_Get", replicationRole="Replica", sourceServerResourceId="/x/other")
    assert follower.word("azure-source-role") == "FAIL"


def test_a_standby_is_not_taken_along(rent: Rent) -> None:
    assert rent(high_availability=True).word("azure-high-availability") == "NOTE"


def test_what_is_refused_is_unknown_with_the_providers_words(rent: Rent) -> None:
    one = rent()
    refusal = Fault(Kind.REFUSE, "*", None, status=403, code="AuthorizationFailed", message="no authorization to do it")
    one.simulator.faults.add(refusal)
    for check in set(CHECKS) - {"azure-retired"}:
        result = one.find(check).result
        assert result.verdict is Verdict.UNKNOWN, check
        assert result.evidence[1] == ("AuthorizationFailed", "no authorization to do it")
        assert "Microsoft.DBforMySQL/flexibleServers" in result.remedy


def test_without_a_subscription_nothing_is_taken_for_passed(rent: Rent) -> None:
    one = rent()
    without = replace(one, m=replace(one.m, cloud=None))
    for check in CHECKS:
        assert without.find(check).result.verdict is Verdict.UNKNOWN, check


def test_the_catalogue_is_complete_in_itself() -> None:
    for check in CHECKS.values():
        assert check.why.endswith("."), check.id
        assert len(check.why) <= 120, check.id
        assert len(check.title) <= 36, check.id
        assert check.asks, check.id
        assert check.severity_on(Route.NATIVE) is None, check.id


def test_sizes_are_those_that_can_be_had_and_what_was_asked_for_comes_first(rent: Rent) -> None:
    one = rent()
    listed = choices.CHOOSE_TIER.options
    assert listed is not None
    assert {option.value for option in listed(one.m)} >= {"Standard_D2ds_v4"}
    options = one.account.spec.options
    assert isinstance(options, dict)
    options["tier"] = "Standard_E2ds_v4"
    assert listed(one.m)[0].value == "Standard_E2ds_v4"
