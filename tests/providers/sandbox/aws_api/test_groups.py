"""Parameter groups, and what they do to real servers."""

from __future__ import annotations

import pytest

from providers.aws import instances, parameters
from providers.aws.errors import AlreadyExists, NotFound, Refused
from providers.aws.instances import When
from providers.aws.parameters import Apply, Setting
from providers.aws.records import Shape
from providers.mysql.errors import StatementFailed
from providers.sandbox import passwords
from tests.providers.sandbox.aws_api.conftest import Rented, Simulate, until
from tests.support.sql import ask


def attached(one: Rented) -> str:
    """A group of one's own, in force at the instance."""
    (default,) = instances.instance(one.client, one.id).parameter_groups or ()
    family = str(default.name).removeprefix("default.")
    one.client.send(parameters.create("m1-own", family, "its own"))
    one.client.send(instances.modify(one.id, Shape(parameter_group="m1-own"), When.NOW))
    assert status(one) == "pending-reboot"
    one.client.send(instances.reboot(one.id))
    until(lambda: status(one) == "in-sync", "the group")
    one.wait(one.id)
    return "m1-own"


def status(one: Rented) -> str | None:
    (found,) = instances.instance(one.client, one.id).parameter_groups or ()
    return found.apply_status


@pytest.mark.parametrize("engine", ["mysql-9.7", pytest.param("mysql-5.7", marks=pytest.mark.long), "mariadb-10.11"])
def test_read_only_of_a_group_fences_and_opens(engine: str, simulate: Simulate) -> None:
    one = simulate(engine)
    group = attached(one)
    app = one.endpoint(one.id, passwords.load().application)
    one.client.send(parameters.modify(group, [Setting("read_only", "1", Apply.NOW)]))
    until(lambda: one.ask(one.id, "SELECT @@GLOBAL.read_only") == ((1,),), "the fence")
    with pytest.raises(StatementFailed, match="1290"):
        ask(app, "INSERT INTO shop.notes VALUES (2, 'no')")
    assert [(one.name, one.value) for one in parameters.changed(one.client, group)] == [("read_only", "1")]
    one.client.send(parameters.reset(group, ["read_only"], Apply.NOW))
    until(lambda: one.ask(one.id, "SELECT @@GLOBAL.read_only") == ((0,),), "the opening")
    ask(app, "INSERT INTO shop.notes VALUES (2, 'yes')")
    assert parameters.changed(one.client, group) == ()


def test_static_parameters_wait_for_a_restart(simulate: Simulate) -> None:
    one = simulate("mysql-5.7")
    group = attached(one)
    with pytest.raises(Refused, match="static"):
        one.client.send(parameters.modify(group, [Setting("performance_schema", "1", Apply.NOW)]))
    one.client.send(parameters.modify(group, [Setting("performance_schema", "1", Apply.WITH_RESTART)]))
    until(lambda: status(one) == "pending-reboot", "the note")
    assert one.ask(one.id, "SELECT @@performance_schema") == ((0,),)
    one.client.send(instances.reboot(one.id))
    until(lambda: status(one) == "in-sync", "the restart")
    one.wait(one.id)
    assert one.ask(one.id, "SELECT @@performance_schema") == ((1,),)


def test_what_groups_refuse(simulate: Simulate) -> None:
    one = simulate("mariadb-10.11")
    default = next(found.name for found in parameters.groups(one.client) if found.name)
    now = [Setting("read_only", "1", Apply.NOW)]
    with pytest.raises(Refused, match="Default"):
        one.client.send(parameters.modify(default, now))
    with pytest.raises(NotFound):
        one.client.send(parameters.modify("nothing", now))
    assert parameters.find(one.client, "nothing") is None
    one.client.send(parameters.create("m1-own", "mariadb10.11", "its own"))
    with pytest.raises(AlreadyExists):
        one.client.send(parameters.create("m1-own", "mariadb10.11", "again"))
    for wrong in (Setting("no_such", "1", Apply.NOW), Setting("read_only", "2", Apply.NOW)):
        with pytest.raises(Refused):
            one.client.send(parameters.modify("m1-own", [wrong]))
    one.client.send(parameters.create("m1-other", "mysql8.4", "another family"))
    with pytest.raises(Refused, match="DBParameterGroupFamily"):
        one.client.send(instances.modify(one.id, Shape(parameter_group="m1-other"), When.NOW))
    one.client.send(instances.modify(one.id, Shape(parameter_group="m1-own"), When.NOW))
    with pytest.raises(Refused):
        one.client.send(parameters.delete("m1-own"))
    one.client.send(parameters.delete("m1-other"))
    assert parameters.find(one.client, "m1-other") is None
