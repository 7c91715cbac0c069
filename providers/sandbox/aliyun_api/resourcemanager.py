"""Resource Management 2020-03-31: creating a service-linked role."""

from __future__ import annotations

from providers.sandbox.aliyun_api import beginnings
from providers.sandbox.aliyun_api.cloud import Cloud
from providers.sandbox.aliyun_api.gateway import Action, Product
from providers.sandbox.aliyun_api.ram import described
from providers.sandbox.aliyun_api.refusals import bad_parameter
from providers.sandbox.aliyun_api.state import ACCOUNT_ID, POLARDB_ROLE, Body, Parameters
from providers.sandbox.api.refusals import Refused


def product(cloud: Cloud) -> Product:
    """All actions."""

    def create(given: Parameters) -> Body:
        if given["ServiceName"] != "polardb.aliyuncs.com":
            raise bad_parameter("ServiceName")
        with cloud.lock:
            if POLARDB_ROLE in cloud.roles:
                raise Refused(409, "EntityAlreadyExists.Role", f"The role already exists: {POLARDB_ROLE}.")
            role = beginnings.service_role(cloud.clock.now())
            cloud.roles[role.name] = role
        principal = f"{role.name}@role.{ACCOUNT_ID}.onaliyunservice.com"
        return {"Role": {**described(role), "IsServiceLinkedRole": True, "RolePrincipalName": principal}}

    actions = {"CreateServiceLinkedRole": Action(("ServiceName",), create)}
    return Product("resourcemanager", "2020-03-31", "resourcemanager.aliyuncs.com", actions)
