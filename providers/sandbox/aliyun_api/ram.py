"""RAM 2015-05-01: roles and what is attached to them."""

from __future__ import annotations

import json
from dataclasses import replace

from providers.sandbox.aliyun_api.cloud import Cloud
from providers.sandbox.aliyun_api.gateway import Action, Product
from providers.sandbox.aliyun_api.stamps import stamp
from providers.sandbox.aliyun_api.state import ACCOUNT_ID, Body, Parameters, Role
from providers.sandbox.api.refusals import Refused


def product(cloud: Cloud) -> Product:
    """All actions."""
    ram = _Ram(cloud)
    named = ("RoleName",)
    policy = ("PolicyName", "PolicyType", "RoleName")
    actions = {
        "GetRole": Action(named, ram.get),
        "CreateRole": Action((*named, "AssumeRolePolicyDocument"), ram.create),
        "UpdateRole": Action(named, ram.update),
        "DeleteRole": Action(named, ram.delete),
        "ListPoliciesForRole": Action(named, ram.policies),
        "AttachPolicyToRole": Action(policy, ram.attach),
        "DetachPolicyFromRole": Action(policy, ram.detach),
    }
    return Product(
        "ram", "2015-05-01", "ram.aliyuncs.com", {name: _locked(cloud, one) for name, one in actions.items()}
    )


def role_arn(role: Role) -> str:
    """The role's resource name."""
    return f"acs:ram::{ACCOUNT_ID}:role/{role.name.lower()}"


def described(role: Role) -> Body:
    """What every answer about a role has."""
    return {
        "RoleName": role.name,
        "RoleId": "3" + "".join(str(ord(one) % 10) for one in role.name)[:17],
        "Arn": role_arn(role),
        "Description": role.description,
        "AssumeRolePolicyDocument": role.trust,
        "CreateDate": stamp(role.created_at),
    }


def _locked(cloud: Cloud, action: Action) -> Action:
    """The same action, one at a time."""

    def act(given: Parameters) -> Body:
        with cloud.lock:
            return action.act(given)

    return Action(action.required, act)


class _Ram:
    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def get(self, given: Parameters) -> Body:
        role = self._role(given)
        more = {
            "MaxSessionDuration": 3600,
            "UpdateDate": stamp(role.created_at),
            "IsServiceLinkedRole": role.service_linked,
            "RolePrincipalName": f"{role.name}@role.{ACCOUNT_ID}.onaliyunservice.com",
        }
        return {"Role": {**described(role), **more}}

    def create(self, given: Parameters) -> Body:
        name = given["RoleName"]
        if name in self._cloud.roles:
            raise Refused(409, "EntityAlreadyExists.Role", f"The role already exists: {name}.")
        trust = _document(given["AssumeRolePolicyDocument"])
        role = Role(name, trust, self._cloud.clock.now(), given.get("Description", ""))
        self._cloud.roles[name] = role
        return {"Role": {**described(role), "MaxSessionDuration": 3600}}

    def update(self, given: Parameters) -> Body:
        role = self._role(given)
        trust = _document(given.get("NewAssumeRolePolicyDocument", role.trust))
        changed = replace(role, trust=trust, description=given.get("NewDescription", role.description))
        self._cloud.roles[role.name] = changed
        return {"Role": {**described(changed), "UpdateDate": stamp(self._cloud.clock.now())}}

    def delete(self, given: Parameters) -> Body:
        role = self._role(given)
        if role.policies:
            raise Refused(409, "DeleteConflict.Role.Policy", "The role has policies attached to it.")
        del self._cloud.roles[role.name]
        return {}

    def policies(self, given: Parameters) -> Body:
        role = self._role(given)
        listed = [
            {
                "PolicyName": name, "PolicyType": kind, "Description": "", "DefaultVersion": "v1",
                "AttachDate": stamp(role.created_at),
            }
            for name, kind in role.policies.items()
        ]  # fmt: skip
        return {"Policies": {"Policy": listed}}

    def attach(self, given: Parameters) -> Body:
        role, name = self._role(given), given["PolicyName"]
        if name in role.policies:
            raise Refused(409, "EntityAlreadyExists.Role.Policy", "The policy has been attached to the role.")
        self._cloud.roles[role.name] = replace(role, policies={**role.policies, name: given["PolicyType"]})
        return {}

    def detach(self, given: Parameters) -> Body:
        role, name = self._role(given), given["PolicyName"]
        if name not in role.policies:
            raise Refused(404, "EntityNotExist.Role.Policy", "The policy is not attached to the role.")
        kept = {one: kind for one, kind in role.policies.items() if one != name}
        self._cloud.roles[role.name] = replace(role, policies=kept)
        return {}

    def _role(self, given: Parameters) -> Role:
        found = self._cloud.roles.get(given["RoleName"])
        if found is None:
            raise Refused(404, "EntityNotExist.Role", f"The role does not exist: {given['RoleName']}.")
        return found


def _document(text: str) -> str:
    try:
        json.loads(text)
    except ValueError as error:
        raise Refused(400, "MalformedPolicyDocument", "The policy document is malformed.") from error
    return text
