"""Server parameters: those that the simulated services offer, with the real variables behind them.

What they refuse is documented: `gtid_mode` goes one step at a time, after `enforce_gtid_consistency`, and not while
there are replicas; `lower_case_table_names` is fixed when a server is made; `event_scheduler` is locked on a replica.
Nothing says that `read_only` can be set on one. A replica has its source's settings when it is made.
"""

from __future__ import annotations

from dataclasses import dataclass

from providers.mysql.connection import Row
from providers.mysql.errors import StatementFailed
from providers.mysql.literals import quote_text
from providers.sandbox.api.refusals import Refused
from providers.sandbox.api.sessions import opened
from providers.sandbox.azure_api import provisions
from providers.sandbox.azure_api.cloud import Cloud, Machine
from providers.sandbox.azure_api.fleet import ask
from providers.sandbox.azure_api.gateway import Json

_SWITCH = "Enumeration"
_FILTER = "replicate_wild_ignore_table"


@dataclass(frozen=True)
class _Offered:
    kind: str
    allowed: str
    default: str
    dynamic: bool = True
    fixed: bool = False
    # The service's own: no variable of the server has its value.
    kept: bool = False


_OFFERED = {
    "binlog_expire_logs_seconds": _Offered("Integer", "0-4294967295", "0", kept=True),
    "binlog_row_image": _Offered(_SWITCH, "FULL,MINIMAL,NOBLOB", "FULL"),
    "enforce_gtid_consistency": _Offered(_SWITCH, "ON,OFF,WARN", "OFF"),
    "event_scheduler": _Offered(_SWITCH, "ON,OFF", "OFF"),
    "gtid_mode": _Offered(_SWITCH, "ON,OFF,ON_PERMISSIVE,OFF_PERMISSIVE", "OFF"),
    "init_connect": _Offered("String", "", ""),
    "innodb_lock_wait_timeout": _Offered("Integer", "1-3600", "50"),
    "lower_case_table_names": _Offered("Enumeration", "1,2", "1", dynamic=False, fixed=True),
    "max_connections": _Offered("Integer", "10-5460", "2731"),
    "read_only": _Offered(_SWITCH, "ON,OFF", "OFF"),
    _FILTER: _Offered("String", "", ",".join(provisions.IGNORED), kept=True),
    "wait_timeout": _Offered("Integer", "60-240", "120"),
}
_LOCKED_ON_REPLICAS = ("event_scheduler", "read_only")
_GTID = ("gtid_mode", "enforce_gtid_consistency")


def listed(cloud: Cloud, machine: Machine, base: str) -> list[Json]:
    """All parameters, as resources below `base`."""
    values = {str(name): str(value) for name, value in ask(machine.server, "SHOW GLOBAL VARIABLES")}
    values |= {name: _kept(machine, name) for name, offered in _OFFERED.items() if offered.kept}
    return [_resource(cloud, machine, base, name, values[name]) for name in _OFFERED if name in values]


def one(cloud: Cloud, machine: Machine, base: str, name: str) -> Json:
    """One parameter.

    Raises:
        Refused: the service has none of this name.
    """
    rows: tuple[Row, ...] = ()
    if name in _OFFERED and _OFFERED[name].kept:
        rows = ((name, _kept(machine, name)),)
    elif name in _OFFERED:
        rows = ask(machine.server, "SHOW GLOBAL VARIABLES LIKE %s", (name,))
    if not rows:
        raise Refused(404, "ResourceNotFound", f"The requested resource of type 'configurations/{name}' was not found.")
    return _resource(cloud, machine, base, name, str(rows[0][1]))


def check(cloud: Cloud, machine: Machine, name: str, value: str) -> None:
    """Whether a parameter can be set at all.

    Raises:
        Refused: it cannot, or not to this value.
    """
    offered = _OFFERED.get(name)
    if offered is None:
        raise Refused(404, "ResourceNotFound", f"The requested resource of type 'configurations/{name}' was not found.")
    if _fixed(cloud, name):
        raise Refused(400, "OperationNotAllowed", f"The server parameter '{name}' is read only.")
    if offered.kind == _SWITCH and value.upper() not in offered.allowed.split(","):
        raise Refused(
            400,
            "InvalidParameterValue",
            f"Invalid value given for parameter {name}. Allowed values are {offered.allowed}.",
        )
    if name in _LOCKED_ON_REPLICAS and machine.role == "Replica":
        raise Refused(400, "OperationNotAllowed", f"'{name}' cannot be changed on a replica server.")
    if name in _GTID and (machine.role == "Replica" or cloud.replicas(machine.key)):
        raise Refused(400, "OperationNotAllowed", f"'{name}' cannot be changed while the server has replicas.")


def put(cloud: Cloud, machine: Machine, name: str, value: str) -> None:
    """Set a parameter on the real server.

    Raises:
        Refused: the real server refuses it; its own words.
    """
    shown = value if value.isdecimal() else quote_text(value)
    try:
        with opened(machine.server) as session:
            if name == _FILTER:
                provisions.ignore(session, value.split(","))
            elif not _OFFERED[name].kept:
                session.change(f"SET GLOBAL {name} = {shown}")
    except StatementFailed as error:
        raise Refused(400, "ServerParameterUpdateFailed", str(error)) from error
    cloud.change(machine.key, overridden={**cloud.machines[machine.key].overridden, name: value})


def inherit(cloud: Cloud, machine: Machine, source: Machine) -> None:
    """Give a new server the settings of the one that it was made of, or its own after a restart."""
    for name, value in source.overridden.items():
        if name not in (*_LOCKED_ON_REPLICAS, *_GTID):
            put(cloud, machine, name, value)


def _kept(machine: Machine, name: str) -> str:
    return machine.overridden.get(name, _OFFERED[name].default)


def _fixed(cloud: Cloud, name: str) -> bool:
    return _OFFERED[name].fixed or (name == "read_only" and not cloud.scenario.read_only_parameter)


def _resource(cloud: Cloud, machine: Machine, base: str, name: str, value: str) -> Json:
    offered = _OFFERED[name]
    properties: Json = {
        "value": value,
        "description": f"The server variable {name}.",
        "defaultValue": offered.default,
        "dataType": offered.kind,
        "allowedValues": offered.allowed,
        "source": "user-override" if name in machine.overridden else "system-default",
    }
    if machine.kind == "flexible":
        properties |= {
            "isConfigPendingRestart": "False",
            "isDynamicConfig": str(offered.dynamic),
            "isReadOnly": str(_fixed(cloud, name)),
        }
    kind = "flexibleServers" if machine.kind == "flexible" else "servers"
    return {
        "properties": properties,
        "id": f"{base}/configurations/{name}",
        "name": name,
        "type": f"Microsoft.DBforMySQL/{kind}/configurations",
    }
