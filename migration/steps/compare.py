"""Comparing every row of both servers once, while clients go on writing."""

from __future__ import annotations

import time

from migration.model import Outcome, Proof
from migration.prover import finding_of, how_far
from migration.runbook import Estimate, Halted, Migration, Observation, done, not_done

_POLL_S = 0.1
# Both servers and this program on two cores, rows of 190 bytes; see benchmarks/verify.py.
_BYTES_PER_S = 200e6


def statements(m: Migration) -> tuple[str, ...]:
    """What will run."""
    if m.spec.proof is Proof.OFF:
        return ("nothing: rows are not compared",)
    return ("nothing is changed; every row is read on both servers, and both binary logs from then on",)


def estimate(m: Migration) -> Estimate:
    """How long it takes."""
    if m.spec.proof is Proof.OFF:
        return Estimate(0.0, "not asked for")
    databases = m.databases()
    size = m.source.value(
        "SELECT SUM(data_length) FROM information_schema.tables WHERE table_schema IN "
        f"({', '.join(['%s'] * len(databases)) or 'NULL'})",
        databases,
    )
    return Estimate(1.0 + float(size or 0) / _BYTES_PER_S, "the size of the tables, at 200 MB/s")


def probe(m: Migration) -> Observation:
    """Whether every table was read once."""
    if m.prover is None:
        return done("rows are not compared")
    progress = m.prover.progress()
    if progress is None:
        return not_done("not begun yet")
    if not progress.settled:
        return not_done(how_far(progress))
    return done(f"{progress.rows:,} rows compared: {finding_of(progress).result.found}; changes are followed")


def apply(m: Migration) -> None:
    """Wait until every table was read once.

    Raises:
        Halted: the operator stopped waiting.
    """
    if m.prover is not None:
        m.prover.want()
    while probe(m).outcome is not Outcome.DONE:
        if m.desk.halted():
            raise Halted
        time.sleep(_POLL_S)
