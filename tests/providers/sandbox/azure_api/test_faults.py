"""What goes wrong on order: calls and operations that are lost, slow, failing and vanishing."""

from __future__ import annotations

import http.client
import json
from dataclasses import replace

import pytest

from providers.azure import flexible
from providers.azure.client import Client
from providers.azure.clouds import at
from providers.azure.credentials import StaticToken
from providers.azure.errors import CredentialsRefused, NoAnswer, Refused, Unanswered
from providers.azure.operations import Continuation, Outcome, intended
from providers.mysql.endpoint import Secret
from providers.sandbox.api.control import ControlRefused
from providers.sandbox.api.faults import Fault, Kind
from providers.sandbox.azure_api.access import Access
from providers.sandbox.azure_api.control import Control
from providers.sandbox.azure_api.faults import Ending, OperationFault
from providers.sandbox.azure_api.scenario import Durations, Scenario
from tests.providers.azure.descriptions import needed
from tests.providers.sandbox.azure_api.conftest import FAST, Simulate
from tests.support.waiting import until

SET = "flexible:Configurations_Update"


def test_an_operation_fails_vanishes_stands_and_is_found_again(simulate: Simulate) -> None:
    one = simulate("mysql-5.7", Scenario(durations=replace(FAST, parameter=3600.0)))
    control, here = one.simulator.access.control, one.here

    def change(value: str) -> tuple[Outcome, str, bool]:
        running = one.client.begin(flexible.set_configuration(here, "wait_timeout", value))
        assert running.kept.operation
        control.advance(3600.0)
        seen = running.wait(0.5 if value == "64" else 20, 0.02)
        return seen.outcome, seen.code, seen.final

    control.add_operation(OperationFault(Ending.FAIL, SET, code="NoWay", message="It went wrong."))
    assert change("61") == (Outcome.NOT_DONE, "NoWay", True)
    control.add_operation(OperationFault(Ending.VANISH, SET))
    assert change("62") == (Outcome.DONE, "", False)
    control.add_operation(OperationFault(Ending.SLOW, SET, seconds=0.1))
    assert change("63") == (Outcome.DONE, "", False)
    running = one.client.begin(flexible.set_configuration(here, "wait_timeout", "65"))
    kept = json.dumps(running.kept.as_json())
    assert running.look().outcome is Outcome.UNDER_WAY
    again = one.client.resume(Continuation.from_json(json.loads(kept)))
    assert again.look().outcome is Outcome.NOT_DONE
    control.advance(3600.0)
    until(lambda: again.look().outcome is Outcome.DONE, "what was ordered before")
    # A server carries out one order at a time, and this one has no end.
    control.add_operation(OperationFault(Ending.STAND, SET))
    assert change("64")[0] is Outcome.UNDER_WAY
    assert len([call for call in one.simulator.calls if call.action == SET]) == 5


def test_a_lost_answer_is_found_out_and_not_sent_again(simulate: Simulate) -> None:
    one = simulate("mysql-5.7")
    control, here = one.simulator.access.control, one.here
    write = flexible.create_database(here, "signal")
    control.add(Fault(Kind.LOSE, "flexible:Databases_CreateOrUpdate"))
    with pytest.raises(Unanswered):
        one.client.begin(write)
    resumed = one.client.resume(intended(write))
    until(lambda: resumed.look().outcome is Outcome.DONE, "the database")
    made = [call for call in one.simulator.access.control.calls() if call.action.endswith("CreateOrUpdate")]
    assert [(call.lost, call.outcome) for call in made] == [(True, "202")]
    other = flexible.create_database(here, "other")
    control.add(Fault(Kind.DROP, "flexible:Databases_CreateOrUpdate"))
    with pytest.raises(Unanswered):
        one.client.begin(other)
    assert one.client.resume(intended(other)).look().outcome is Outcome.NOT_DONE
    control.add(Fault(Kind.PAGE, "flexible:Servers_Get", times=3, status=502))
    with pytest.raises(NoAnswer):
        flexible.server(one.client, here)
    control.add(Fault(Kind.REFUSE, "flexible:*", status=409, code="ServerIsBusy", message="Busy."))
    with pytest.raises(Refused, match="ServerIsBusy"):
        flexible.server(one.client, here)
    control.add(Fault(Kind.ALTER, "flexible:Servers_Get", without=("properties",)))
    assert flexible.server(one.client, here).state is None
    control.add(Fault(Kind.LOSE, "*", times=None))
    control.clear()
    assert flexible.server(one.client, here).state == "Ready"


@needed
def test_a_body_that_is_not_as_described_is_refused(simulate: Simulate) -> None:
    one = simulate("mysql-5.7")
    access, path = one.simulator.access, flexible.resource_id(one.here)
    connection = http.client.HTTPConnection(*access.url.removeprefix("http://").split(":"))  # type: ignore[arg-type]
    headers = {"Authorization": f"Bearer {access.token.reveal()}", "Content-Type": "application/json"}
    body = {"properties": {"replicationRoll": "None"}}
    connection.request("PATCH", f"{path}?api-version=2021-05-01", json.dumps(body), headers)
    answer = connection.getresponse()
    assert answer.status == 400
    assert "replicationRoll is not described" in json.loads(answer.read())["error"]["message"]
    connection.close()


def test_who_has_no_token_is_refused(simulate: Simulate) -> None:
    one = simulate("mysql-5.7")
    access = Access.from_json(json.loads(json.dumps(one.simulator.access.as_json())))
    assert access == one.simulator.access
    stranger = Client(at(access.url), StaticToken(Secret("x")))
    with pytest.raises(CredentialsRefused):
        flexible.server(stranger, one.here)
    stranger.close()
    control = access.control
    with pytest.raises(ControlRefused):
        Control(control.host, control.port, Secret("x")).calls()
    with pytest.raises(ControlRefused):
        control.promote("nobody")
    with pytest.raises(ControlRefused):
        control.pause("nothing")
    assert one.simulator.answered == len(one.simulator.calls) == 0
    flexible.server(one.client, one.here)
    assert one.simulator.answered == 1
    one.simulator.halt()
    with pytest.raises(NoAnswer):
        flexible.server(one.client, one.here)
    assert Scenario.from_json(json.loads(json.dumps(Scenario(durations=Durations().at_pace(2)).as_json()))) == Scenario(
        durations=Durations().at_pace(2)
    )
