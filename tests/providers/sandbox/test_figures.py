from __future__ import annotations

from providers.sandbox.figures import Recorder, WorkloadFigures

MS = 10**6
SOURCE, TARGET = 0, 1


def recorder() -> Recorder:
    return Recorder(("source", "target"), 0)


def write(seen: Recorder, server: int, number: int, start_ms: int, ack_ms: int) -> None:
    seen.acknowledged(server, start_ms * MS, ack_ms * MS, number)


def figures(seen: Recorder) -> WorkloadFigures:
    return seen.figures(1_000 * MS, None, [SOURCE])


def test_a_clean_switch_has_a_gap_and_no_overlap() -> None:
    seen = recorder()
    write(seen, SOURCE, 1, 10, 11)
    seen.refused(TARGET, 10 * MS, 1290)
    write(seen, SOURCE, 2, 12, 13)
    seen.refused(SOURCE, 14 * MS, 1290)
    write(seen, TARGET, 3, 20, 23)
    (switch,) = figures(seen).switches
    assert (switch.old, switch.new, switch.write_gap_ms, switch.both_writable_ms) == ("source", "target", 10, 0)


def test_writes_on_both_servers_overlap_from_the_first_answer_to_the_last_start() -> None:
    seen = recorder()
    write(seen, SOURCE, 1, 10, 11)
    write(seen, TARGET, 2, 20, 21)
    write(seen, SOURCE, 3, 30, 31)
    seen.refused(SOURCE, 32 * MS, 1290)
    write(seen, TARGET, 4, 40, 41)
    found = figures(seen)
    assert found.both_writable_ms == 9
    assert found.write_gap_ms == 0


def test_an_overlap_is_seen_without_any_row_written_on_the_old_server() -> None:
    seen = recorder()
    seen.accepted(SOURCE, 10 * MS, 11 * MS)
    write(seen, TARGET, 2, 20, 21)
    seen.accepted(SOURCE, 30 * MS, 31 * MS)
    seen.accepted(TARGET, 40 * MS, 41 * MS)
    assert figures(seen).both_writable_ms == 9


def test_an_answer_that_comes_after_a_refusal_belongs_to_the_time_before_it() -> None:
    seen = recorder()
    write(seen, SOURCE, 1, 10, 11)
    seen.refused(SOURCE, 14 * MS, 1290)
    write(seen, SOURCE, 2, 12, 18)
    write(seen, TARGET, 3, 20, 22)
    (switch,) = figures(seen).switches
    assert (switch.write_gap_ms, switch.both_writable_ms) == (4, 0)


def test_a_write_that_waited_at_the_fence_does_not_stretch_the_time_before_it() -> None:
    seen = recorder()
    write(seen, SOURCE, 1, 10, 11)
    seen.refused(SOURCE, 12 * MS, 1290)
    write(seen, TARGET, 2, 20, 21)
    write(seen, TARGET, 3, 40, 41)
    seen.refused(TARGET, 42 * MS, 1290)
    # The source opens again at 46: this one began before the last refusal there, and is let in.
    seen.refused(SOURCE, 45 * MS, 1290)
    write(seen, SOURCE, 4, 44, 47)
    found = figures(seen)
    assert found.both_writable_ms == 0
    assert [(switch.old, switch.new) for switch in found.switches] == [("source", "target"), ("target", "source")]


def test_a_lifted_fence_is_no_switch() -> None:
    seen = recorder()
    write(seen, SOURCE, 1, 10, 11)
    seen.refused(SOURCE, 14 * MS, 1290)
    write(seen, SOURCE, 2, 50, 51)
    assert figures(seen).switches == ()


def test_clients_have_moved_where_they_write_and_not_where_they_could() -> None:
    seen = recorder()
    write(seen, SOURCE, 1, 10, 11)
    seen.refused(SOURCE, 12 * MS, 1290)
    seen.accepted(TARGET, 20 * MS, 21 * MS)
    assert figures(seen).switches == ()
    write(seen, TARGET, 2, 40, 41)
    seen.accepted(TARGET, 50 * MS, 51 * MS)
    (switch,) = figures(seen).switches
    assert (switch.write_gap_ms, switch.after_s) == (30, 0.021)


def test_there_and_back_are_two_switches() -> None:
    seen = recorder()
    write(seen, SOURCE, 1, 10, 11)
    seen.refused(SOURCE, 12 * MS, 1290)
    write(seen, TARGET, 2, 13, 14)
    seen.refused(TARGET, 15 * MS, 1290)
    write(seen, SOURCE, 3, 18, 19)
    assert [(s.old, s.new, s.write_gap_ms) for s in figures(seen).switches] == [
        ("source", "target", 3),
        ("target", "source", 5),
    ]


def test_a_server_that_was_away_was_not_writable_meanwhile() -> None:
    seen = recorder()
    write(seen, SOURCE, 1, 10, 11)
    seen.refused(SOURCE, 12 * MS, 2013)
    write(seen, TARGET, 2, 20, 21)
    seen.refused(TARGET, 22 * MS, 1290)
    write(seen, SOURCE, 3, 30, 31)
    assert figures(seen).both_writable_ms == 0


def test_unknown_outcomes_are_counted_until_they_are_known() -> None:
    seen = recorder()
    seen.outcome_unknown(7)
    seen.outcome_unknown(8)
    assert (figures(seen).unknown_outcomes, figures(seen).unknown_resolved) == (2, 0)
    write(seen, SOURCE, 7, 10, 11)
    seen.resolved({8})
    found = figures(seen)
    assert (found.unknown_outcomes, found.unknown_resolved, found.acknowledged_writes) == (2, 2, 1)


def test_figures_survive_their_way_as_json() -> None:
    seen = recorder()
    write(seen, SOURCE, 1, 10, 11)
    seen.refused(SOURCE, 12 * MS, 1290)
    write(seen, TARGET, 2, 13, 14)
    found = figures(seen)
    assert WorkloadFigures.from_json(found.as_json()) == found
    assert found.errors == {"source": {"1290": 1}, "target": {}}
