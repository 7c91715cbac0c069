"""Which account, region and address calls go to, and with whose credentials."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from providers.aws.errors import BadEndpoint
from providers.calling.addresses import is_loopback
from providers.mysql.endpoint import Secret

_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]{1,2}")


@dataclass(frozen=True)
class Key:
    """An access key, with the token of a temporary one."""

    id: Secret
    secret: Secret
    token: Secret | None = None

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """What is never shown."""
        return (self.id, self.secret, *((self.token,) if self.token else ()))


@dataclass(frozen=True)
class Access:
    """How AWS is reached.

    Attributes:
        region: such as `eu-central-1`; None: as the profile or the environment names it.
        profile: a profile of `~/.aws/config`; None: the SDK's default chain (environment, profile `default`, single
            sign-on, container, instance role).
        endpoint: an address in place of the published ones: https, or http on this machine.
        key: a key in place of those of the chain, such as a rehearsal's.
    """

    region: str | None = None
    profile: str | None = None
    endpoint: str | None = None
    key: Key | None = None

    def __post_init__(self) -> None:
        """Check the region and the address.

        Raises:
            BadEndpoint: the region is not an id, or the address is neither https nor http on this machine.
        """
        if self.region is not None:
            check_region(self.region)
        if self.endpoint is not None:
            check_url(self.endpoint)
            parts = urlsplit(self.endpoint)
            if parts.path.strip("/") or parts.query or parts.fragment or parts.username:
                raise BadEndpoint(f"{self.endpoint!r} cannot be used as an endpoint: give scheme, host and port only.")


def check_region(region: str) -> None:
    """Let only a region's id pass, which becomes a part of addresses.

    Raises:
        BadEndpoint: it is none.
    """
    if not _REGION.fullmatch(region):
        raise BadEndpoint(f"{region!r} is no region: give its id, such as eu-central-1.")


def check_url(url: str) -> None:
    """Let only addresses pass to which a request may be sent.

    Raises:
        BadEndpoint: plain http to another machine, or no address at all.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if not host or not (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))):
        raise BadEndpoint(f"{url!r} cannot be used as an endpoint: give https://HOST, or http:// on 127.0.0.1.")
