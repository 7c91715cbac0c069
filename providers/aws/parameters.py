"""Parameter groups: the server variables of an instance, which on RDS cannot be set by SQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from providers.aws.actions import RDS
from providers.aws.answer import Answer
from providers.aws.calls import Look, Write, call
from providers.aws.client import Client
from providers.aws.errors import NotFound

# RDS User Guide, "Modifying parameters in a DB parameter group".
MOST_AT_ONCE = 20
_USER = "user"


class Apply(StrEnum):
    """When a parameter takes effect; static ones only with the next restart."""

    NOW = "immediate"
    WITH_RESTART = "pending-reboot"


@dataclass(frozen=True)
class Setting:
    """A parameter and the value it is to have."""

    name: str
    value: str
    apply: Apply


@dataclass(frozen=True)
class Group:
    """A parameter group. `family` is engine and series, such as mysql8.4; those named `default.` cannot be changed."""

    name: str | None
    family: str | None
    description: str | None
    arn: str | None


@dataclass(frozen=True)
class Parameter:
    """A parameter of a group.

    Attributes:
        value: None where the engine's default is in force.
        source: user, system or engine-default: who set it.
        apply_type: dynamic or static.
        apply: immediate or pending-reboot, as it was set.
    """

    name: str | None
    value: str | None
    source: str | None
    apply_type: str | None
    apply: str | None
    data_type: str | None
    allowed: str | None
    modifiable: bool | None


def groups(client: Client) -> tuple[Group, ...]:
    """The region's parameter groups."""
    request = call(RDS, "DescribeDBParameterGroups", f"region {client.region}", {})
    return tuple(_group(item) for item in client.pages(request, "DBParameterGroups"))


def find(client: Client, group: str) -> Group | None:
    """One parameter group, None where there is none of this name."""
    request = call(RDS, "DescribeDBParameterGroups", f"parameter group {group}", {"DBParameterGroupName": group})
    try:
        found = client.pages(request, "DBParameterGroups")
    except NotFound:
        return None
    return _group(found[0]) if found else None


def parameters(client: Client, group: str) -> tuple[Parameter, ...]:
    """Every parameter of a group."""
    return _parameters(client, group, {})


def changed(client: Client, group: str) -> tuple[Parameter, ...]:
    """The parameters of a group that somebody set."""
    return _parameters(client, group, {"Source": _USER})


def create(group: str, family: str, description: str) -> Write[Group]:
    """Make a parameter group with the defaults of a family."""

    def look(client: Client) -> bool | None:
        found = find(client, group)
        return found is not None and found.family == family

    given: dict[str, object] = {"DBParameterGroupFamily": family, "Description": description}
    request = call(RDS, "CreateDBParameterGroup", f"parameter group {group}", {"DBParameterGroupName": group, **given})
    return Write(request, lambda answer: _group(answer.part("DBParameterGroup") or Answer({})), look)


def modify(group: str, settings: Sequence[Setting]) -> Write[str | None]:
    """Set parameters; the result is the group's name. They hold for all instances that use it.

    Raises:
        ValueError: none, or more than RDS takes at once.
    """
    if not 0 < len(settings) <= MOST_AT_ONCE:
        raise ValueError(f"RDS takes 1 to {MOST_AT_ONCE} parameters at once and these are {len(settings)}.")

    def look(client: Client) -> bool | None:
        now = {one.name: one.value for one in changed(client, group)}
        return all(now.get(setting.name) == setting.value for setting in settings)

    listed = [
        {"ParameterName": one.name, "ParameterValue": one.value, "ApplyMethod": one.apply.value} for one in settings
    ]
    return _of_group("ModifyDBParameterGroup", group, {"Parameters": listed}, look)


def reset(group: str, names: Sequence[str], apply: Apply) -> Write[str | None]:
    """Give parameters their defaults back; the result is the group's name.

    Raises:
        ValueError: as `modify`.
    """
    if not 0 < len(names) <= MOST_AT_ONCE:
        raise ValueError(f"RDS takes 1 to {MOST_AT_ONCE} parameters at once and these are {len(names)}.")

    def look(client: Client) -> bool | None:
        return not {one.name for one in changed(client, group)} & set(names)

    listed = [{"ParameterName": name, "ApplyMethod": apply.value} for name in names]
    return _of_group("ResetDBParameterGroup", group, {"ResetAllParameters": False, "Parameters": listed}, look)


def delete(group: str) -> Write[None]:
    """Delete a parameter group that no instance uses."""
    request = call(RDS, "DeleteDBParameterGroup", f"parameter group {group}", {"DBParameterGroupName": group})
    return Write(request, lambda _: None, lambda client: find(client, group) is None)


def _parameters(client: Client, group: str, given: dict[str, object]) -> tuple[Parameter, ...]:
    about = f"parameter group {group}"
    request = call(RDS, "DescribeDBParameters", about, {"DBParameterGroupName": group, **given})
    return tuple(_parameter(item) for item in client.pages(request, "Parameters"))


def _of_group(action: str, group: str, given: dict[str, object], look: Look) -> Write[str | None]:
    request = call(RDS, action, f"parameter group {group}", {"DBParameterGroupName": group, **given})
    return Write(request, lambda answer: answer.text("DBParameterGroupName"), look)


def _group(answer: Answer) -> Group:
    return Group(
        name=answer.text("DBParameterGroupName"),
        family=answer.text("DBParameterGroupFamily"),
        description=answer.text("Description"),
        arn=answer.text("DBParameterGroupArn"),
    )


def _parameter(answer: Answer) -> Parameter:
    return Parameter(
        name=answer.text("ParameterName"),
        value=answer.text("ParameterValue"),
        source=answer.text("Source"),
        apply_type=answer.text("ApplyType"),
        apply=answer.text("ApplyMethod"),
        data_type=answer.text("DataType"),
        allowed=answer.text("AllowedValues"),
        modifiable=answer.flag("IsModifiable"),
    )
