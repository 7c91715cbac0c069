"""What answers of several products have in common."""

from __future__ import annotations

from dataclasses import dataclass

from providers.calling.answer import Answer

HIDDEN = "hidden"


@dataclass(frozen=True)
class IpGroup:
    """A named group of addresses that may connect.

    Attributes:
        entries: addresses and networks as they are written; None: the answer does not say.
        attribute: `hidden` for the groups that the provider's own services keep, else empty.
        kind: IPv4 or IPv6, where the product says it.
    """

    name: str | None
    entries: tuple[str, ...] | None
    attribute: str | None
    kind: str | None

    @property
    def hidden(self) -> bool | None:
        """Whether it belongs to a service of the provider; None: the answer does not say."""
        return None if self.attribute is None else self.attribute == HIDDEN


def entries(text: str | None) -> tuple[str, ...] | None:
    """The entries of a list that is written with commas."""
    return None if text is None else tuple(entry.strip() for entry in text.split(",") if entry.strip())


@dataclass(frozen=True)
class Address:
    """One address of an endpoint.

    Attributes:
        network: `Private`, `Public` or `Inner`, as it is written.
        ssl: whether the endpoint speaks TLS.
    """

    host: str | None
    port: int | None
    ip: str | None
    network: str | None
    vpc_id: str | None
    vswitch_id: str | None
    ssl: bool | None


def addresses(answer: Answer) -> tuple[Address, ...] | None:
    """The `AddressItems` of an endpoint."""
    items = answer.parts("AddressItems")
    if items is None:
        return None
    return tuple(
        Address(
            item.text("ConnectionString"),
            item.number("Port"),
            item.text("IPAddress"),
            item.text("NetType"),
            item.text("VPCId"),
            item.text("VSwitchId"),
            item.flag("SSLEnabled"),
        )
        for item in items
    )
