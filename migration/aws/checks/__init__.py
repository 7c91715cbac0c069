"""What is asked of RDS before an instance is moved to a new one, in the order in which it is read.

A check is added by writing one function into the file of its topic; a topic by adding a file and its name here.
"""

from __future__ import annotations

from types import ModuleType

from migration.aws.checks import applications, groups, instance, login, logs, plans
from migration.check import Check
from migration.checks import of_topic

TOPICS: tuple[ModuleType, ...] = (instance, logs, groups, login, plans, applications)


def every() -> tuple[Check, ...]:
    """Every check."""
    return tuple(found for topic in TOPICS for found in of_topic(topic))
