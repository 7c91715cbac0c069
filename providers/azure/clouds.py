"""Which cloud is asked: its addresses, and another address in their place for a rehearsal.

Sources: `azure.mgmt.core.tools.get_arm_endpoints` and `azure.identity.AzureAuthorityHosts` for management and login;
the connection pages of each service for the names of servers.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from providers.azure.errors import BadEndpoint
from providers.calling.addresses import is_loopback


@dataclass(frozen=True)
class Cloud:
    """One of Azure's clouds.

    Attributes:
        management: scheme, host and port of Resource Manager.
        authority: the host that gives tokens.
        scope: for what a token is asked.
        server_suffix: what the names of Single and Flexible Servers end with; `classic_suffix` those of MySQL
            Database on Azure, empty where there never was one.
    """

    name: str
    management: str
    authority: str
    scope: str
    server_suffix: str
    classic_suffix: str = ""

    def __post_init__(self) -> None:
        """Check the address.

        Raises:
            BadEndpoint: it is neither https nor http on this machine, or more than scheme, host and port.
        """
        parts = urlsplit(self.management)
        host = parts.hostname or ""
        if not host or not (parts.scheme == "https" or self.rehearsed):
            raise BadEndpoint(
                f"{self.management!r} cannot be used as an endpoint: give https://HOST, or http:// on 127.0.0.1."
            )
        if parts.path.strip("/") or parts.query or parts.fragment or parts.username:
            raise BadEndpoint(f"{self.management!r} cannot be used as an endpoint: give scheme, host and port only.")

    @property
    def rehearsed(self) -> bool:
        """Whether it is plain HTTP on this machine, where no token is asked for."""
        parts = urlsplit(self.management)
        return parts.scheme == "http" and is_loopback(parts.hostname or "")

    def trusts(self, url: str) -> bool:
        """Whether a token may be sent to an address that the cloud gave: it is its own, or one below it."""
        own, other = urlsplit(self.management), urlsplit(url)
        host = other.hostname or ""
        if self.rehearsed:
            return (other.scheme, other.netloc) == (own.scheme, own.netloc)
        return other.scheme == "https" and (host == own.hostname or host.endswith(f".{own.hostname}"))


CHINA = Cloud(
    "china",
    "https://management.chinacloudapi.cn",
    "login.chinacloudapi.cn",
    "https://management.chinacloudapi.cn/.default",
    ".mysql.database.chinacloudapi.cn",
    ".mysqldb.chinacloudapi.cn",
)
PUBLIC = Cloud(
    "public",
    "https://management.azure.com",
    "login.microsoftonline.com",
    "https://management.azure.com/.default",
    ".mysql.database.azure.com",
)
US_GOVERNMENT = Cloud(
    "us-government",
    "https://management.usgovcloudapi.net",
    "login.microsoftonline.us",
    "https://management.usgovcloudapi.net/.default",
    ".mysql.database.usgovcloudapi.net",
)
CLOUDS = {cloud.name: cloud for cloud in (CHINA, PUBLIC, US_GOVERNMENT)}


def at(url: str) -> Cloud:
    """Another address in place of a cloud's, such as a rehearsal's `http://127.0.0.1:PORT`.

    Raises:
        BadEndpoint: as `Cloud`.
    """
    return Cloud("rehearsal", url.rstrip("/"), "", "", "", "")
