"""The server parameters of the simulated RDS, what instances can be made of, and which version a server stands for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from providers.sandbox.catalogue import Engine

IF_REPLICA = "{TrueIfReplica}"
DYNAMIC, STATIC = "dynamic", "static"
_BOOLEAN = "0,1"


@dataclass(frozen=True)
class Known:
    """A parameter that groups have. `allowed` is as RDS writes it: words, or a range such as `1-65535`."""

    name: str
    default: str | None
    apply_type: str
    data_type: str
    allowed: str

    @property
    def variable(self) -> str:
        """What the server calls it."""
        return self.name.replace("-", "_")

    def takes(self, value: str) -> bool:
        """Whether it can have a value."""
        found = re.fullmatch(r"(\d+)-(\d+)", self.allowed)
        if found:
            return value.isdigit() and int(found[1]) <= int(value) <= int(found[2])
        return not self.allowed or value in self.allowed.split(",")


KNOWN: Mapping[str, Known] = {
    one.name: one
    for one in (
        Known("read_only", IF_REPLICA, DYNAMIC, "string", f"0,1,{IF_REPLICA}"),
        Known("auto_increment_increment", None, DYNAMIC, "integer", "1-65535"),
        Known("auto_increment_offset", None, DYNAMIC, "integer", "1-65535"),
        Known("binlog_format", None, DYNAMIC, "string", "ROW,STATEMENT,MIXED"),
        Known("event_scheduler", None, DYNAMIC, "string", "ON,OFF"),
        Known("log_bin_trust_function_creators", None, DYNAMIC, "boolean", _BOOLEAN),
        Known("init_connect", None, DYNAMIC, "string", ""),
        Known("max_connections", None, DYNAMIC, "integer", "1-100000"),
        Known("require_secure_transport", None, DYNAMIC, "boolean", _BOOLEAN),
        Known("sync_binlog", None, DYNAMIC, "integer", "0-4294967295"),
        Known("innodb_flush_log_at_trx_commit", None, DYNAMIC, "integer", "0-2"),
        Known("long_query_time", None, DYNAMIC, "float", "0-31536000"),
        Known("gtid-mode", None, STATIC, "string", "OFF,OFF_PERMISSIVE,ON_PERMISSIVE,ON"),
        Known("enforce_gtid_consistency", None, STATIC, "string", "OFF,WARN,ON"),
        Known("innodb_buffer_pool_size", None, STATIC, "integer", ""),
        Known("performance_schema", None, STATIC, "boolean", _BOOLEAN),
    )
}
CLASSES = (
    "db.m5.large",
    "db.m5.xlarge",
    "db.m5.2xlarge",
    "db.r6g.large",
    "db.r6g.xlarge",
    "db.t3.small",
    "db.t3.medium",
)
STORAGE = {"gp2": None, "gp3": (3000, 64000), "io1": (1000, 80000), "io2": (1000, 256000)}


def version_of(engine: Engine) -> tuple[str, str]:
    """The engine and version on RDS that a server stands for: RDS has no MySQL after 8.4."""
    if engine.family == "mariadb":
        return "mariadb", f"{engine.version[0]}.{engine.version[1]}.15"
    known = {(5, 6): "5.6.51", (5, 7): "5.7.44"}
    return "mysql", known.get(engine.version, "8.4.7")


def family_of(engine: str, version: str) -> str:
    """The family of an engine's parameter groups."""
    return engine + ".".join(version.split(".")[:2])
