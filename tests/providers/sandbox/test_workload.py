from __future__ import annotations

from collections.abc import Callable

import pytest

from providers.sandbox.client import Sandbox, SandboxFailed
from tests.providers.sandbox.asking import ask, follow
from tests.support.waiting import until

Factory = Callable[..., Sandbox]
FENCE, LIFT = "SET GLOBAL read_only = 1", "SET GLOBAL read_only = 0"


def test_a_switch_is_measured_and_losses_and_overlaps_are_found(sandbox: Factory) -> None:
    one = sandbox("mariadb-10.11", "mariadb-10.11", rows=500)
    places = one.endpoints()
    source, target = places.source, places.target
    one.workload("start")
    with pytest.raises(SandboxFailed, match=r"target is not read_only yet: fence it before"):
        one.workload("arm")
    follow(target, source, places.forward.user, places.forward.password.reveal())
    ask(target, FENCE)
    one.workload("arm")
    until(lambda: one.figures().errors["target"].get("1290"), "refused tries on the fenced target")
    until(lambda: one.figures().acknowledged_writes > 100, "a hundred writes")

    ask(source, FENCE)
    (position,) = ask(source, "SELECT @@gtid_binlog_pos")[0]
    assert ask(target, f"SELECT MASTER_GTID_WAIT('{position}', 10)") == ((0,),)
    ask(target, LIFT)
    until(lambda: set(one.figures().follower_servers) == {"target"}, "every client on the target")
    written = one.figures().acknowledged_writes
    until(lambda: one.figures().acknowledged_writes > written + 50, "more writes")

    found = one.figures()
    (switch,) = found.switches
    assert (switch.old, switch.new) == ("source", "target")
    assert 0 < switch.write_gap_ms < 2_000
    assert found.write_gap_ms == switch.write_gap_ms
    assert found.both_writable_ms == 0
    assert found.normal_distance_ms is not None
    assert found.normal_distance_ms < 20
    assert found.lost_writes is None

    with pytest.raises(SandboxFailed, match="pause them before looking for lost writes"):
        one.verify_lost()
    assert one.workload("pause") == {"unfinished": 0}
    at_rest = one.figures().acknowledged_writes
    assert one.verify_lost().lost_writes == 0
    assert ask(target, "SELECT COUNT(*) FROM shop.ledger") == ((at_rest,),)
    ((victim,),) = ask(target, "SELECT MAX(id) FROM shop.ledger")
    ask(target, f"DELETE FROM shop.ledger WHERE id = {victim}")
    found = one.verify_lost()
    assert (found.lost_writes, found.lost_ids) == (1, (victim,))
    assert one.figures().acknowledged_writes == at_rest

    one.workload("resume")
    ask(source, LIFT)
    until(lambda: one.figures().both_writable_ms > 0, "the overlap made on purpose")


def test_clients_survive_killed_servers_and_connections(sandbox: Factory) -> None:
    one = sandbox("mariadb-10.11", "mariadb-10.11", rows=100, rate=400)
    source = one.endpoints().source
    one.workload("start")
    until(lambda: one.figures().acknowledged_writes > 50, "fifty writes")
    one.kill_server("source")
    assert not one.status().source.running
    until(lambda: one.figures().errors["source"].get("2003"), "clients that noticed")
    one.start_server("source")
    written = one.figures().acknowledged_writes
    until(lambda: one.figures().acknowledged_writes > written + 50, "writes after the restart")
    for (thread,) in ask(source, "SELECT ID FROM information_schema.PROCESSLIST WHERE USER = 'app'"):
        ask(source, f"KILL {thread}")
    written = one.figures().acknowledged_writes
    until(lambda: one.figures().acknowledged_writes > written + 50, "writes after the killed connections")
    one.workload("pause")
    found = one.verify_lost()
    assert found.lost_writes == 0
    assert found.unknown_outcomes == found.unknown_resolved
    assert found.switches == ()
    assert ask(source, "SELECT COUNT(*) FROM shop.ledger")[0][0] >= found.acknowledged_writes


def test_a_write_that_a_fence_holds_up_is_finished_after_the_resume(sandbox: Factory) -> None:
    one = sandbox("mysql-5.6", "mysql-5.6", rows=100)
    source = one.endpoints().source
    one.workload("start")
    until(lambda: one.figures().acknowledged_writes > 20, "twenty writes")
    ask(source, FENCE)
    until(lambda: one.figures().errors["source"].get("1290", 0) > 20, "refused writes")
    ask(source, LIFT)
    written = one.figures().acknowledged_writes
    until(lambda: one.figures().acknowledged_writes > written + 20, "writes after the lifted fence")
    assert one.figures().switches == ()
    assert one.workload("pause") == {"unfinished": 0}
    assert one.verify_lost().lost_writes == 0


def test_the_load_has_everything_a_shop_has(sandbox: Factory) -> None:
    one = sandbox("mysql-5.6", "mariadb-10.11", rows=2_000)
    source = one.endpoints().source
    assert ask(source, "SELECT COUNT(*) FROM shop.customer_totals") == ((200,),)
    assert ask(source, "SELECT TRIGGER_NAME FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = 'shop'") == (
        ("order_total",),
    )
    sums = "SELECT SUM(o.total) FROM shop.orders o"
    lines = "SELECT SUM(l.quantity * l.price) FROM shop.order_lines l"
    assert ask(source, sums) == ask(source, lines)
    orphans = "SELECT COUNT(*) FROM shop.order_lines l LEFT JOIN shop.orders o ON o.id = l.order_id WHERE o.id IS NULL"
    assert ask(source, orphans) == ((0,),)
    assert ask(source, "SELECT name FROM shop.customers WHERE id = 8") == (("José Nuñez 🛒 7",),)
    one.workload("start", rate=500)
    until(lambda: ask(source, "SELECT COUNT(*) FROM shop.orders")[0][0] > 510, "new orders")
    assert one.figures().errors == {"source": {}, "target": {}}
    one.workload("pause")
    assert ask(source, sums) == ask(source, lines)
