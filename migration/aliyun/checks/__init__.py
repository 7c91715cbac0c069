"""What is asked of the provider before an RDS for MySQL instance is migrated, in the order in which it is read.

A check is added by writing one function into the file of its topic; a topic by adding a file and its name here.
"""

from __future__ import annotations

from types import ModuleType

from migration.aliyun.checks import (
    accounts,
    billing,
    content,
    deadline,
    dts,
    encryption,
    evaluation,
    instance,
    logs,
    nodes,
    places,
    roles,
    settings,
    storage,
    whitelists,
)
from migration.check import Check
from migration.checks import of_topic

TOPICS: tuple[ModuleType, ...] = (
    instance, places, roles, accounts, content, whitelists, encryption, settings, storage, nodes, logs, dts, deadline,
    billing, evaluation,
)  # fmt: skip


def every() -> tuple[Check, ...]:
    """Every check, whatever the provider's way; `Check.severity_on` says where its question arises."""
    return tuple(found for topic in TOPICS for found in of_topic(topic))
