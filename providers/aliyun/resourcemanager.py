"""Resource Manager: creating the role of a service where the service itself does not."""

from __future__ import annotations

from providers.aliyun.actions import POLARDB_SERVICE, RESOURCE_MANAGER
from providers.aliyun.calls import Write, call
from providers.aliyun.ram import Role, role_of


def create_service_linked_role(service: str = POLARDB_SERVICE) -> Write[Role]:
    """Create the service-linked role of a service. `AlreadyExists` is as good as done."""
    request = call(RESOURCE_MANAGER, "CreateServiceLinkedRole", f"service {service}", {"ServiceName": service})
    return Write(request, role_of)
