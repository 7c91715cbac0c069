"""What is asked before a Flexible Server follows, or is followed, by data-in replication.

A check is added by writing one function into the file of its topic; a topic by adding a file and its name here.
"""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType

from migration.azure.checks import replicas, server
from migration.azure.data_in.checks import filling, promotion, service
from migration.check import Check
from migration.checks import of_topic

TOPICS: tuple[ModuleType, ...] = (service, filling, promotion)


def promote_first() -> tuple[Check, ...]:
    """Every check of a Flexible Server whose replica is promoted first; the service fills that replica itself."""
    filled = (found for topic in (server, replicas) for found in of_topic(topic))
    return (*(replace(one, routes={}) for one in filled), *of_topic(service), *of_topic(promotion))


def data_in() -> tuple[Check, ...]:
    """Every check of a Flexible Server that is filled by this program, and follows."""
    return (*of_topic(service), *of_topic(filling))
