"""Where tokens come from: whatever the operator is logged in with, or a fixed one for a rehearsal."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from providers.azure.clouds import Cloud
from providers.azure.errors import BadEndpoint
from providers.mysql.endpoint import Secret


@dataclass(frozen=True)
class StaticToken:
    """A fixed token. It is sent over plain HTTP, and so to this machine only."""

    token: Secret


# What azure-identity calls a token credential; the package has to be installed only where one is made.
TokenCredential = Any
Credential = StaticToken | TokenCredential


def default_credential(cloud: Cloud) -> TokenCredential:
    """What the operator is logged in with: environment, workload identity, managed identity, `az login` and others.

    As `DefaultAzureCredential` tries them. Nothing is asked for yet.

    Raises:
        BadEndpoint: a rehearsal takes no real credentials.
    """
    if cloud.rehearsed:
        raise BadEndpoint(f"{cloud.management} is a rehearsal: give it the token of its simulator and no other.")
    from azure.identity import DefaultAzureCredential

    # It tells on the log which ways to log in it tried, of which most are not there.
    logging.getLogger("azure.identity").setLevel(logging.ERROR)
    return DefaultAzureCredential(authority=cloud.authority)
