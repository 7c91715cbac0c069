"""What is asked of the provider before a server's tier is changed, in the order in which it is read.

A check is added by writing one function into the file of its topic; a topic by adding a file and its name here.
"""

from __future__ import annotations

from types import ModuleType

from migration.azure.checks import endings, replicas, server
from migration.check import Check
from migration.checks import of_topic

TOPICS: tuple[ModuleType, ...] = (server, replicas, endings)


def every() -> tuple[Check, ...]:
    """Every check."""
    return tuple(found for topic in TOPICS for found in of_topic(topic))
