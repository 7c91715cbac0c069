"""What the words for an instance's status mean.

Source: RDS User Guide, "Viewing Amazon RDS DB instance status". AWS adds words; one that is not known here is not
taken for a failure.
"""

from __future__ import annotations

from enum import StrEnum

AVAILABLE = "available"
# Clients can work, while something goes on behind them.
_USABLE = (
    AVAILABLE,
    "backing-up",
    "configuring-associated-roles",
    "configuring-enhanced-monitoring",
    "configuring-iam-database-auth",
    "configuring-log-exports",
    "configuring-performance-insights",
    "storage-config-upgrade",
    "storage-initialization",
    "storage-optimization",
)
_BUSY = (
    "configuring-activity-stream",
    "converting-to-vpc",
    "creating",
    "delete-precheck",
    "deleting",
    "maintenance",
    "modifying",
    "moving-to-vpc",
    "promoting",
    "rebooting",
    "renaming",
    "resetting-master-credentials",
    "starting",
    "stopping",
    "upgrading",
)
_BROKEN = (
    "failed",
    "inaccessible-encryption-credentials",
    "inaccessible-encryption-credentials-recoverable",
    "incompatible-create",
    "incompatible-network",
    "incompatible-option-group",
    "incompatible-parameters",
    "incompatible-restore",
    "insufficient-capacity",
    "restore-error",
    "stopped",
    "storage-full",
)


class Health(StrEnum):
    """What an instance can be used for now.

    READY: available, and nothing goes on. USABLE: clients can work, and something goes on that keeps no call but some
    from being made. BUSY: wait. BROKEN: it does not become available on its own. UNKNOWN: a word that is not known.
    """

    READY = "ready"
    USABLE = "usable"
    BUSY = "busy"
    BROKEN = "broken"
    UNKNOWN = "unknown"


def health(status: str | None) -> Health:
    """What a status means."""
    if status == AVAILABLE:
        return Health.READY
    if status in _USABLE:
        return Health.USABLE
    if status in _BUSY:
        return Health.BUSY
    return Health.BROKEN if status in _BROKEN else Health.UNKNOWN
