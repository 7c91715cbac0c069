"""RAM: the roles with which PolarDB and DTS reach the databases.

Functions that read take a client; those that change something return a `Write`, which the client sends.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import unquote

from providers.aliyun.actions import DTS_POLICY, DTS_ROLE, RAM
from providers.aliyun.calls import Value, Write, call, nothing
from providers.aliyun.client import Client
from providers.aliyun.errors import NotFound
from providers.calling.answer import Answer

POLARDB_ROLE = "AliyunServiceRoleForPolarDB"
DTS_SERVICE = "dts.aliyuncs.com"
DTS_DESCRIPTION = "DTS will use this role to access your resources in other services."
SYSTEM = "System"
_ASSUME = "sts:AssumeRole"
DTS_TRUST = json.dumps(
    {
        "Statement": [{"Action": _ASSUME, "Effect": "Allow", "Principal": {"Service": [DTS_SERVICE]}}],
        "Version": "1",
    },
    separators=(",", ":"),
)


@dataclass(frozen=True)
class Role:
    """A role. `trust` is its trust policy, a JSON document as the provider has it; see `trusts`."""

    name: str | None
    role_id: str | None
    arn: str | None
    description: str | None
    trust: str | None
    service_linked: bool | None
    created: datetime | None


@dataclass(frozen=True)
class RolePolicy:
    """A policy attached to a role. `kind` is System or Custom."""

    name: str | None
    kind: str | None


def find_role(client: Client, name: str) -> Role | None:
    """A role, or None where the provider says that there is none."""
    request = call(RAM, "GetRole", f"role {name}", {"RoleName": name})
    try:
        answer = client.read(request)
    except NotFound as error:
        if error.code != "EntityNotExist.Role":
            raise
        return None
    return role_of(answer)


def policies_of_role(client: Client, name: str) -> tuple[RolePolicy, ...]:
    """The policies of a role."""
    request = call(RAM, "ListPoliciesForRole", f"role {name}", {"RoleName": name})
    items = client.items(request, "Policies", "Policy")
    return tuple(RolePolicy(item.text("PolicyName"), item.text("PolicyType")) for item in items)


def create_role(name: str = DTS_ROLE, trust: str = DTS_TRUST, description: str = DTS_DESCRIPTION) -> Write[Role]:
    """Create a role that a service may take on. `AlreadyExists` is as good as done."""
    parameters: dict[str, Value] = {"AssumeRolePolicyDocument": trust, "Description": description}
    return Write(call(RAM, "CreateRole", f"role {name}", {"RoleName": name, **parameters}), role_of)


def repair_trust(name: str = DTS_ROLE, trust: str = DTS_TRUST) -> Write[None]:
    """Replace a role's trust policy; tasks that use the role go on."""
    return _act("UpdateRole", name, {"NewAssumeRolePolicyDocument": trust})


def delete_role(name: str = DTS_ROLE) -> Write[None]:
    """Delete a role; its policies have to be detached before. Tasks that use it stop."""
    return _act("DeleteRole", name, {})


def attach_policy(role: str = DTS_ROLE, policy: str = DTS_POLICY, kind: str = SYSTEM) -> Write[None]:
    """Give a role a policy. `AlreadyExists` is as good as done."""
    return _act("AttachPolicyToRole", role, {"PolicyType": kind, "PolicyName": policy})


def detach_policy(role: str, policy: str, kind: str) -> Write[None]:
    """Take a policy from a role."""
    return _act("DetachPolicyFromRole", role, {"PolicyType": kind, "PolicyName": policy})


def trusts(document: str | None, service: str = DTS_SERVICE) -> bool | None:
    """Whether a trust policy lets a service take the role on.

    None: the document is missing, cannot be read, or allows it on conditions, which are not worked out here.
    """
    statements = _statements(document)
    if statements is None:
        return None
    applying = [statement for statement in statements if _names(statement, service)]
    if any(statement.get("Effect") == "Deny" for statement in applying):
        return False
    allowing = [statement for statement in applying if statement.get("Effect") == "Allow"]
    if any(not statement.get("Condition") for statement in allowing):
        return True
    return None if allowing else False


def role_of(answer: Answer) -> Role:
    """The `Role` of an answer."""
    return Role(
        name=answer.text("Role", "RoleName"),
        role_id=answer.text("Role", "RoleId"),
        arn=answer.text("Role", "Arn"),
        description=answer.text("Role", "Description"),
        trust=answer.text("Role", "AssumeRolePolicyDocument"),
        service_linked=answer.flag("Role", "IsServiceLinkedRole"),
        created=answer.time("Role", "CreateDate"),
    )


def _act(action: str, role: str, parameters: Mapping[str, Value]) -> Write[None]:
    return Write(call(RAM, action, f"role {role}", {"RoleName": role, **parameters}), nothing)


def _statements(document: str | None) -> list[Mapping[str, object]] | None:
    text = document or ""
    # Older answers may have it percent-encoded.
    try:
        content = json.loads(text if text.lstrip().startswith("{") else unquote(text))
        statements = content["Statement"]
    except (ValueError, KeyError, TypeError):
        return None
    listed = [statements] if isinstance(statements, dict) else statements
    if not isinstance(listed, list) or not all(isinstance(statement, dict) for statement in listed):
        return None
    return listed


def _names(statement: Mapping[str, object], service: str) -> bool:
    principal = statement.get("Principal")
    services = _listed(principal.get("Service")) if isinstance(principal, Mapping) else []
    return service in services and any(action in (_ASSUME, "sts:*", "*") for action in _listed(statement.get("Action")))


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]
