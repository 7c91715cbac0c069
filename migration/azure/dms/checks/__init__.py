"""What is asked before a migration by Database Migration Service, in the order in which it is read.

A check is added by writing one function into the file of its topic; a topic by adding a file and its name here.
"""

from __future__ import annotations

from types import ModuleType

from migration.azure.dms.checks import contents, servers, service
from migration.check import Check
from migration.checks import of_topic

TOPICS: tuple[ModuleType, ...] = (servers, service, contents)


def every() -> tuple[Check, ...]:
    """Every check."""
    return tuple(found for topic in TOPICS for found in of_topic(topic))
