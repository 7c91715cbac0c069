"""What the accounts with all clouds have in common."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TypeVar

from migration.check import Pair
from migration.model import CloudSpec, MigrationSpec
from migration.runbook import CloudAbsent, CloudFailed, CloudSilent, Migration
from providers.calling.errors import CallFailed

A = TypeVar("A")


@contextlib.contextmanager
def told(silent: type[CallFailed], absent: type[CallFailed] | tuple[()] = ()) -> Iterator[None]:
    """Make what a client raises what steps raise.

    Args:
        silent: what it raises where a write may have been carried out.
        absent: what it raises where there is no such thing, if steps are to know that apart.
    """
    try:
        yield
    except silent as error:
        raise CloudSilent(str(error)) from error
    except absent as error:
        raise CloudAbsent(str(error)) from error
    except CallFailed as error:
        raise CloudFailed(str(error)) from error


def account(begun: Migration | Pair, kind: type[A], words: str) -> A:
    """The account of a migration, of this kind; `words` are what it is called, such as "account with AWS".

    Raises:
        CloudFailed: it has none.
    """
    if not isinstance(begun.cloud, kind):
        raise CloudFailed(f"The migration {begun.spec.id} has no {words}; begin it again with one.")
    return begun.cloud


def named(spec: MigrationSpec, words: str) -> CloudSpec:
    """What a migration says of its account.

    Raises:
        CloudFailed: nothing.
    """
    if spec.cloud is None:
        raise CloudFailed(f"The migration {spec.id} names no {words}; begin it again with one.")
    return spec.cloud
