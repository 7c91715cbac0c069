"""Parameter groups, and bringing what was set into force."""

from __future__ import annotations

from collections.abc import Mapping

from providers.sandbox.api.refusals import Refused
from providers.sandbox.aws_api.catalogue import KNOWN, STATIC, Known
from providers.sandbox.aws_api.cloud import Cloud
from providers.sandbox.aws_api.instances import Given, Names
from providers.sandbox.aws_api.refusals import wrong_combination, wrong_value
from providers.sandbox.aws_api.state import Group

_AT_ONCE = 20


def create(cloud: Cloud, given: Given) -> Group:
    """Make a group."""
    with cloud.lock:
        name = Names(given).text("DBParameterGroupName")
        if name in cloud.groups:
            raise Refused(400, "DBParameterGroupAlreadyExists", f"Parameter group {name} already exists")
        made = Group(name, str(given["DBParameterGroupFamily"]), str(given["Description"]))
        cloud.groups[name] = made
    return made


def modify(cloud: Cloud, given: Given) -> Group:
    """Set parameters."""
    wanted = _listed(given)
    with cloud.lock:
        found = _own(cloud, given)
        for one in wanted:
            known, value = _known(one), one.get("ParameterValue")
            if value is None or not known.takes(value):
                raise wrong_value(
                    f"Invalid parameter value: {value} for: {known.name} allowed values are: {known.allowed}"
                )
        for one in wanted:
            found.settings[one["ParameterName"]] = (one["ParameterValue"], _method(one))
    _bring(cloud, found, {one["ParameterName"]: _method(one) for one in wanted})
    return found


def reset(cloud: Cloud, given: Given) -> Group:
    """Give parameters their defaults back, all of them where none are named."""
    with cloud.lock:
        found = _own(cloud, given)
        if given.get("ResetAllParameters") or not given.get("Parameters"):
            changed = {name: "pending-reboot" for name in found.settings}
        else:
            changed = {_known(one).name: _method(one) for one in _listed(given)}
        for name in changed:
            found.settings.pop(name, None)
    _bring(cloud, found, changed)
    return found


def delete(cloud: Cloud, given: Given) -> None:
    """Delete a group."""
    with cloud.lock:
        found = _own(cloud, given)
        if any(one.group == found.name for one in cloud.instances.values()):
            raise Refused(
                400,
                "InvalidDBParameterGroupState",
                f"One or more database instances are still members of this parameter group {found.name}, so the group "
                "cannot be deleted",
            )
        del cloud.groups[found.name]


def _own(cloud: Cloud, given: Given) -> Group:
    found = cloud.group(str(given["DBParameterGroupName"]))
    if found.name.startswith("default."):
        raise wrong_value(f"Default DBParameterGroup cannot be modified: {found.name}")
    return found


def _bring(cloud: Cloud, group: Group, changed: Mapping[str, str]) -> None:
    if changed:
        cloud.spawn(lambda: cloud.apply(group.name, changed))


def _listed(given: Given) -> list[dict[str, str]]:
    listed = given.get("Parameters")
    found: list[dict[str, str]] = list(listed) if isinstance(listed, list) else []
    if not 0 < len(found) <= _AT_ONCE:
        raise wrong_value(f"A list of 1 to {_AT_ONCE} parameters is needed and this one has {len(found)}.")
    return found


def _known(one: Mapping[str, str]) -> Known:
    name = one.get("ParameterName", "")
    if name not in KNOWN:
        raise wrong_value(f"Could not find parameter with name: {name}")
    known = KNOWN[name]
    if known.apply_type == STATIC and _method(one) == "immediate":
        raise wrong_combination("cannot use immediate apply method for static parameter")
    return known


def _method(one: Mapping[str, str]) -> str:
    return one.get("ApplyMethod") or "pending-reboot"
