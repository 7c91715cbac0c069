"""Where each product is asked: the published addresses of a region, or others in their place.

The SDK's own table lacks regions and whole products, so it is not used. Sources: the endpoint maps of the vendor's
typed SDKs (polardb20170801, rds20140815, dts20200101); everything that is not in a map is regional.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from providers.aliyun.actions import DTS, POLARDB, RAM, RDS, RESOURCE_MANAGER, Product
from providers.aliyun.errors import BadEndpoint
from providers.calling.addresses import is_loopback

_CENTRAL = "{name}.aliyuncs.com"
_REGIONAL = "{name}.{region}.aliyuncs.com"
_AT_CENTRE = {
    POLARDB.name: (
        "cn-beijing cn-guangzhou cn-hangzhou cn-heyuan cn-hongkong cn-qingdao cn-shanghai cn-shenzhen cn-wuhan "
        "cn-wulanchabu"
    ),
    RDS.name: (
        "ap-southeast-1 cn-beijing cn-hangzhou cn-heyuan cn-hongkong cn-qingdao cn-shanghai cn-shenzhen cn-wuhan "
        "us-east-1 us-west-1"
    ),
    DTS.name: (
        "ap-south-1 ap-southeast-1 ap-southeast-2 ap-southeast-3 ap-southeast-5 cn-beijing cn-hangzhou cn-hongkong "
        "cn-huhehaote cn-qingdao cn-shanghai cn-shenzhen cn-zhangjiakou eu-central-1 eu-west-1 me-east-1 us-east-1 "
        "us-west-1"
    ),
}
_PRODUCTS = (POLARDB, RDS, DTS, RAM, RESOURCE_MANAGER)
_GLOBAL = {RAM.name, RESOURCE_MANAGER.name}


@dataclass(frozen=True)
class Endpoints:
    """The addresses for one region.

    Attributes:
        region: the region's id, such as `cn-hangzhou`.
        instead: addresses that take the place of the published ones, by the product's name.
    """

    region: str
    instead: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the region and the addresses.

        Raises:
            BadEndpoint: the region is not an id, or an address is neither https nor http on this machine.
        """
        # The region becomes part of a host name to which credentials are sent.
        if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", self.region):
            raise BadEndpoint(f"{self.region!r} is no id of a region: give one such as cn-hangzhou.")
        for url in self.instead.values():
            _check(url)

    def url(self, product: Product) -> str:
        """Scheme, host and port for a product."""
        if product.name in self.instead:
            return self.instead[product.name].rstrip("/")
        central = product.name in _GLOBAL or self.region in _AT_CENTRE[product.name].split()
        form = _CENTRAL if central else _REGIONAL
        return "https://" + form.format(name=product.name.lower(), region=self.region)


def everything_at(url: str, region: str) -> Endpoints:
    """One address for all products, such as a rehearsal's `http://127.0.0.1:PORT`.

    Raises:
        BadEndpoint: as `Endpoints`.
    """
    return Endpoints(region, {product.name: url for product in _PRODUCTS})


def _check(url: str) -> None:
    parts = urlsplit(url)
    host = parts.hostname or ""
    plain = parts.scheme == "http" and is_loopback(host)
    if not host or not (parts.scheme == "https" or plain):
        raise BadEndpoint(f"{url!r} cannot be used as an endpoint: give https://HOST, or http:// on 127.0.0.1.")
    if parts.path.strip("/") or parts.query or parts.fragment or parts.username:
        raise BadEndpoint(f"{url!r} cannot be used as an endpoint: give scheme, host and port only.")
