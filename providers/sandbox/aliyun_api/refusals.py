"""What the simulated cloud answers where it refuses a call.

Codes and their sentences are Alibaba Cloud's (API reference of each product, "Error codes"). Which code a wrong
moment gets is published only for some calls; `wrong_moment` is taken for the others as well.
"""

from __future__ import annotations

from providers.sandbox.api.refusals import Refused


def wrong_moment(message: str) -> Refused:
    """The migration is not in a status in which this may be done; the code is spelled as the cloud spells it."""
    return Refused(400, "EngineMigrationStatus.NotSurpport", message)


def no_migration() -> Refused:
    """The cluster has no migration."""
    return Refused(400, "EngineMigration.NotExist", "The engine migration does not exist.")


def no_cluster() -> Refused:
    """There is no such PolarDB cluster."""
    return Refused(404, "InvalidDBClusterId.NotFound", "The DBClusterId provided does not exist in our records.")


def no_instance() -> Refused:
    """There is no such RDS instance."""
    return Refused(404, "InvalidDBInstanceId.NotFound", "The DBInstanceId provided does not exist in our records.")


def bad_parameter(name: str) -> Refused:
    """A parameter whose value the cloud does not take."""
    return Refused(400, "InvalidParameter", f"The specified parameter {name} is not valid.")


def missing(name: str) -> Refused:
    """A parameter that must be there."""
    return Refused(400, f"Missing{name}", f"{name} is mandatory for this action.")


def cluster_busy() -> Refused:
    """The cluster is not `Running`."""
    return Refused(403, "OperationDenied.DBClusterStatus", "The operation is not permitted due to status of cluster.")


def out_of_stock() -> Refused:
    """Nothing is left of which a cluster could be made."""
    return Refused(403, "OperationDenied", "The resource is out of usage.")


def bad_connection_string() -> Refused:
    """A connection string that is unknown, or cannot be exchanged with the one it is paired with."""
    return Refused(400, "InvalidConnectionString.Malformed", "The specified parameter ConnectionString is not valid.")
