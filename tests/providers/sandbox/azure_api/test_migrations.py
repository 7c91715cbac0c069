"""The migration service: connection tests, an online and an offline migration, and what stops it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from providers.azure import datamigration, flexible, tasks
from providers.azure.calls import Body
from providers.azure.errors import Conflict, NotFound
from providers.azure.operations import Outcome
from providers.azure.tasks import Connection, Selection, Task
from providers.mysql.endpoint import Account, Secret
from providers.sandbox import passwords
from providers.sandbox.azure_api.faults import Ending, OperationFault
from providers.sandbox.azure_api.scenario import Scenario
from tests.providers.sandbox.azure_api.conftest import FAST, Rented, Simulate
from tests.support.sql import ask
from tests.support.waiting import until
from tests.support.writing import Writer

PROJECT = "move"


class Migration:
    """A Single Server, a Flexible Server that was made for it, and a service between them."""

    def __init__(self, one: Rented) -> None:
        self.one = one
        self.client = one.client
        self.service = one.place("dms")
        boss = Account("boss", passwords.load().application.password)
        size = ("Standard_D2ds_v4", "GeneralPurpose")
        one.done(flexible.create_server(one.place("target"), "Southeast Asia", boss, "5.7", size, 64))
        access = one.simulator.access
        self.target = flexible.server(one.client, one.place("target")).host
        self.source = Connection(access.host, access.port, access.administrator)
        self.to = Connection(str(self.target), access.port, boss)

    def start(self, name: str, properties: Body) -> None:
        self.one.done(datamigration.create_task(self.service, PROJECT, name, properties))

    def task(self, name: str) -> Task:
        return datamigration.task(self.client, self.service, PROJECT, name)

    def ended(self, name: str) -> Task:
        def ended() -> Task | None:
            found = self.task(name)
            return found if found.state in tasks.ENDED else None

        return until(ended, f"the end of {name}", 60, 0.02)

    def counted(self, name: str) -> bool:
        """Whether the service says that every transaction since the copy has been applied, and that there were some."""
        found = self.task(name).databases[0]
        return (found.latency, found.applied) == (0, found.incoming) and (found.applied or 0) >= 3

    def ready(self, name: str, database: str) -> None:
        def ready() -> bool:
            found = self.task(name)
            assert found.state not in tasks.ENDED, found
            return {one.name: one.state for one in found.databases}.get(database) == tasks.READY_TO_COMPLETE

        until(ready, f"{database} ready", 60, 0.02)

    def state(self, name: str, database: str) -> str | None:
        return {one.name: one.state for one in self.task(name).databases}.get(database)


def test_an_online_migration_is_completed_database_by_database(simulate: Simulate) -> None:
    scenario = Scenario(kind="single", sku="GP_Gen5_2", migration_service="stopped", durations=FAST)
    one = simulate("mysql-5.7", scenario, ("mysql-5.7",))
    ask(one.source.endpoint(), "CREATE DATABASE my_books", "CREATE TABLE my_books.lent (id INT PRIMARY KEY)")
    # A name that is like another, read as a pattern.
    ask(one.source.endpoint(), "CREATE DATABASE myxbooks", "CREATE TABLE myxbooks.lent (id INT PRIMARY KEY)")
    ask(one.source.endpoint(), "CREATE VIEW shop.v AS SELECT id FROM shop.notes")
    move = Migration(one)
    assert datamigration.service(one.client, move.service).running is False
    with pytest.raises(Conflict, match="start it first"):
        one.client.begin(datamigration.create_project(move.service, PROJECT, "Southeast Asia"))
    one.done(datamigration.start_service(move.service))
    status = datamigration.service_status(one.client, move.service)
    assert (status.status, tasks.ONLINE in (status.task_types or ())) == ("Online", True)
    one.done(datamigration.create_project(move.service, PROJECT, "Southeast Asia"))
    with pytest.raises(NotFound):
        move.task("nothing")
    move.start("from", tasks.connect_to_source(move.source, offline=False))
    tried = move.ended("from").tried
    assert tried
    assert (tried.databases, tried.troubles) == (("my_books", "myxbooks", "shop"), ())
    wrong = replace(move.to, account=Account("boss", Secret("wrong")))
    move.start("to", tasks.connect_to_target(move.source, wrong, offline=False))
    failed = move.ended("to")
    assert failed.state == "FailedInputValidation"
    assert failed.errors
    assert "refused the account boss" in failed.errors[0].words
    move.start("tables", tasks.get_tables(move.source, ["shop", "my_books"]))
    assert move.ended("tables").listed == {"shop": ("notes",), "my_books": ("lent",)}
    both = [Selection("shop", ("notes",)), Selection("my_books", ("lent",))]
    with Writer(one.app(one.simulator.access.host)) as writer:
        until(lambda: len(writer.acknowledged) > 5, "writes")
        move.start("online", tasks.migrate_online(move.source, move.to, both))
        move.ready("online", "shop")
        written = writer.stop()
    ask(one.source.endpoint(), "INSERT INTO my_books.lent VALUES (1)", "INSERT INTO myxbooks.lent VALUES (1)")
    one.simulator.access.control.pause("dms")
    with pytest.raises(Conflict):
        move.task("online")
    ask(one.source.endpoint(), "INSERT INTO my_books.lent VALUES (2)")
    one.done(datamigration.start_service(move.service))
    until(lambda: move.counted("online"), "all changes", 30, 0.02)
    complete = datamigration.complete_database(move.service, PROJECT, "online", "shop")
    assert one.client.begin(complete).result.state == "Accepted"
    until(lambda: move.state("online", "shop") == "COMPLETE", "shop complete", 30, 0.02)
    with pytest.raises(Conflict, match="is COMPLETE and cannot be completed"):
        one.client.begin(complete)
    ask(one.source.endpoint(), "INSERT INTO shop.notes VALUES (-3, 'too late')", "INSERT INTO my_books.lent VALUES (3)")
    one.client.begin(datamigration.complete_database(move.service, PROJECT, "online", "my_books"))
    found = move.ended("online")
    assert (found.state, {db.state for db in found.databases}) == ("Succeeded", {"COMPLETE"})
    assert [(order.state, order.database) for order in found.orders or ()] == [
        ("Succeeded", "shop"),
        ("Succeeded", "my_books"),
    ]
    boss = one.endpoint(move.target, move.to.account)
    arrived = {number for (number,) in ask(boss, "SELECT id FROM shop.v")}
    assert arrived == {1, *written}
    assert ask(boss, "SELECT id FROM my_books.lent ORDER BY id") == ((1,), (2,), (3,))
    ask(boss, "INSERT INTO shop.notes VALUES (-9, 'its own')")


def test_an_offline_migration_and_a_test_of_one(simulate: Simulate) -> None:
    scenario = Scenario(kind="single", sku="GP_Gen5_2", migration_service="running", durations=FAST)
    one = simulate("mysql-5.7", scenario, ("mysql-5.7",))
    move = Migration(one)
    one.done(datamigration.create_project(move.service, PROJECT, "Southeast Asia"))
    shop = [Selection("shop", ("notes",))]
    move.start("test", tasks.migrate_offline(move.source, move.to, shop, close_source=False))
    found = move.ended("test")
    assert (found.state, found.databases[0].state, found.databases[0].tables_done) == ("Succeeded", "Completed", 1)
    ask(one.app(one.simulator.access.host), "INSERT INTO shop.notes VALUES (2, 'x')")
    move.start("real", tasks.migrate_offline(move.source, move.to, shop, close_source=True))
    assert move.ended("real").state == "Succeeded"
    assert ask(one.endpoint(move.target, move.to.account), "SELECT id FROM shop.notes") == ((1,), (2,))
    with pytest.raises(Exception, match="read-only"):
        ask(one.app(one.simulator.access.host), "INSERT INTO shop.notes VALUES (3, 'x')")
    one.done(datamigration.delete_task(move.service, PROJECT, "test"))
    assert [task.name for task in datamigration.list_tasks(one.client, move.service, PROJECT)] == ["real"]
    ask(one.source.endpoint(), "SET GLOBAL read_only = OFF")
    one.simulator.access.control.add_operation(OperationFault(Ending.FAIL, "datamigration:Migrate.*", code="Unwell"))
    move.start("failing", tasks.migrate_offline(move.source, move.to, shop, close_source=False))
    failed = move.ended("failing")
    assert failed.errors
    assert (failed.state, failed.errors[0].code) == ("Failed", "Unwell")
    again = datamigration.create_task(move.service, PROJECT, "failing", tasks.get_tables(move.source, ["shop"]))
    assert one.client.begin(again).look().outcome is Outcome.NOT_DONE
    move.start("online", tasks.migrate_online(move.source, move.to, shop))
    move.ready("online", "shop")
    assert one.do(datamigration.cancel_task(move.service, PROJECT, "online")).outcome is Outcome.DONE
    one.done(datamigration.delete_project(move.service, PROJECT))
    one.done(datamigration.stop_service(move.service))
    one.done(datamigration.delete_service(move.service))
    one.done(datamigration.create_service(move.service, "Southeast Asia", "Standard_1vCore", "/subnets/a"))
    assert datamigration.service_skus(one.client, move.service)[0].name == "Standard_1vCore"
    assert datamigration.skus(one.client, move.service.subscription_id)[0].locations == ("Southeast Asia",)
