"""The catalogue of checks: every `Check` of the topics below, in the order in which an operator should read them.

A check is added by writing one function into the file of its topic; a topic by adding a file and its name here.
"""

from __future__ import annotations

from types import ModuleType

from migration.check import Check, Route
from migration.checks import (
    accounts,
    activity,
    binlog,
    capacity,
    clients,
    columns,
    connections,
    foreign,
    grants,
    gtids,
    names,
    network,
    parameters,
    reparse,
    replication,
    schema,
    servers,
    stored,
    target,
    versions,
    words,
)

TOPICS: tuple[ModuleType, ...] = (
    servers, replication, network, binlog, gtids, accounts, clients, grants, connections, target, versions, words,
    schema, columns, foreign, names, stored, reparse, capacity, parameters, activity,
)  # fmt: skip


def of_topic(topic: ModuleType) -> tuple[Check, ...]:
    """The checks of one file, as they stand in it."""
    return tuple(found for found in vars(topic).values() if isinstance(found, Check))


def on_route(route: Route) -> tuple[Check, ...]:
    """Every check whose question arises on a route."""
    return tuple(found for topic in TOPICS for found in of_topic(topic) if found.severity_on(route) is not None)


def again_on_route(route: Route) -> tuple[Check, ...]:
    """Those that are asked again right before the cutover: what changes from one minute to the next."""
    return tuple(found for found in on_route(route) if found.again)
