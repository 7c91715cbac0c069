"""What a Flexible Server refuses its administrator, and what has to be done in another way there."""

from __future__ import annotations

from migration.azure.account import Account
from migration.azure.checks.asking import LEARN, account, answered, server, unsaid
from migration.azure.services import FLEXIBLE
from migration.azure.write_switch import READ_ONLY, setting
from migration.check import Pair, Result, Severity, check
from migration.checks.replicators import may_replicate
from migration.checks.results import failed, not_applicable, passed, table
from migration.model import Positioning, Side
from migration.runbook import CloudFailed
from providers.azure import datain, flexible
from providers.azure.dialect import AzureDialect
from providers.azure.errors import NotFound
from providers.mysql.endpoint import Account as Login
from providers.mysql.server import Server

PARAMETERS = f"{LEARN}/flexible-server/concepts-server-parameters"
DATA_IN = f"{LEARN}/flexible-server/concepts-data-in-replication"
HOW_TO = f"{LEARN}/flexible-server/how-to-data-in-replication"
REPLICAS = f"{LEARN}/flexible-server/concepts-read-replicas"
_OPERATOR = "operator"
_NO_HA = (None, "Disabled")
_MODES = ("OFF", "OFF_PERMISSIVE", "ON_PERMISSIVE", "ON")


def _ours(pair: Pair, asked: Account) -> tuple[Server, ...]:
    """Those of the two servers that are Flexible Servers of this migration."""
    every = (pair.source,) if pair.other is None else (pair.source, pair.other)
    return tuple(one for one in every if asked.place_of(one) is not None)


@check(
    "azure-flexible",
    "id is a Flexible Server's",
    Side.CLOUD,
    Severity.BLOCKER,
    why="Single Server and MySQL Database on Azure are retired, and have no parameter that makes a server read-only.",
    asks="the service in the resource's id",
    page=LEARN,
)
@answered
def is_flexible(pair: Pair) -> Result:
    """Fails for the id of another service."""
    service = account(pair).service
    if service.name == FLEXIBLE:
        return passed(service.title)
    return failed(
        f"{service.title}",
        table(("service", "what is known"), [(service.title, service.retired)]),
        "Give the id of a Flexible Server: /subscriptions/.../providers/Microsoft.DBforMySQL/flexibleServers/NAME. A "
        "Single Server can be the source of the runbook azure_data_in; its tier is changed by azure_service_tier.",
    )


@check(
    "azure-procedures",
    "service's procedures are there",
    Side.BOTH,
    Severity.BLOCKER,
    why="Nobody has SUPER there: channels are made and sessions ended by procedures of the service in schema mysql.",
    asks="information_schema.routines: mysql.az_replication_..., mysql.az_kill",
    page=HOW_TO,
)
@answered
def procedures(pair: Pair) -> Result:
    """Fails where a Flexible Server does not show a procedure that is needed."""
    follow = datain.CHANGE_GTID if pair.positioning is Positioning.GTID else datain.CHANGE
    needed = (follow, datain.START, datain.STOP, datain.REMOVE, datain.KILL)
    rows = [
        (one.name, name)
        for one in _ours(pair, account(pair))
        for name in needed
        if name not in datain.offered(one, (*datain.PROCEDURES, datain.KILL))
    ]
    if not rows:
        return passed("they are there")
    return failed(
        f"{len(rows)} not there",
        table(("server", "procedure"), rows),
        "Log in as the server's administrator. With high availability there is no az_replication_change_master: turn "
        "GTIDs on, or high availability off for this migration (High availability, in the portal).",
    )


@check(
    "azure-read-only",
    "writes can be stopped",
    Side.CLOUD,
    Severity.BLOCKER,
    why="No SQL sets read_only there: this program stops writes by the server parameter of that name.",
    asks="Configurations_Get: read_only, isReadOnly",
    again=True,
    page=PARAMETERS,
)
@answered
def read_only(pair: Pair) -> Result:
    """Fails where the parameter cannot be set on a Flexible Server of this migration."""
    if pair.spec.fence == _OPERATOR:
        return not_applicable("you stop the writes yourself")
    asked = account(pair)
    rows = []
    for one in _ours(pair, asked):
        place = asked.place_of(one)
        assert place is not None
        found = setting(asked, place)
        if found.fixed is None:
            return unsaid(f"whether read_only of {one.name} can be set")
        rows.append((one.name, found.value, "no" if found.fixed else "yes"))
    evidence = table(("server", READ_ONLY, "can be set"), rows)
    fixed = [name for name, _, can in rows if can == "no"]
    if isinstance(pair.source.dialect, AzureDialect) and asked.place_of(pair.source) is None:
        return failed(
            f"{pair.source.name} is not known",
            evidence,
            "Give the source's id as the resource: /subscriptions/.../flexibleServers/NAME. Where it is a Single "
            "Server begin with --fence operator.",
        )
    if not fixed:
        return passed("read_only can be set", evidence)
    return failed(
        f"not on {' and '.join(fixed)}",
        evidence,
        "Stop the applications yourself when the time comes: begin again with --fence operator.",
    )


@check(
    "azure-data-in-ha",
    "high availability and positions agree",
    Side.CLOUD,
    Severity.BLOCKER,
    why="A server with high availability follows by GTID only; after a failover a file and offset mean nothing.",
    asks="Servers_Get: highAvailability; the positioning of this migration",
    page=DATA_IN,
)
@answered
def availability(pair: Pair) -> Result:
    """Fails where positions are files and the Flexible Server has a standby."""
    found = server(pair)
    evidence = table(("server", "mode", "state"), [(found.name, found.ha_mode, found.ha_state)])
    if found.ha_mode in _NO_HA:
        return passed("no standby", evidence)
    if pair.positioning is Positioning.GTID:
        return passed(f"{found.ha_mode}, by GTID", evidence)
    return failed(
        f"{found.ha_mode}, by file",
        evidence,
        "Turn GTIDs on on both servers (check azure-gtid-mode), or turn high availability off until the migration has "
        "ended (High availability, in the portal).",
    )


@check(
    "azure-gtid-mode",
    "GTIDs are on",
    Side.CLOUD,
    Severity.WARNING,
    why="By GTID a server knows itself what it lacks; the service turns GTIDs on one step at a time, and never off.",
    asks="gtid_mode and enforce_gtid_consistency",
    page=REPLICAS,
)
@answered
def gtid_mode(pair: Pair) -> Result:
    """Fails where the Flexible Server's GTIDs are not on."""
    rows = [
        (one.name, one.variable("gtid_mode") or "", one.variable("enforce_gtid_consistency") or "")
        for one in _ours(pair, account(pair))
    ]
    evidence = table(("server", "gtid_mode", "enforce_gtid_consistency"), rows)
    lacking = [(name, mode) for name, mode, _ in rows if mode != _MODES[-1]]
    if not lacking:
        return passed("ON", evidence)
    name, mode = lacking[0]
    rest = _MODES[_MODES.index(mode) + 1 :] if mode in _MODES else _MODES
    return failed(
        f"{mode} on {name}",
        evidence,
        f"Go on by file and offset, or on {name} (server parameters, in the portal) set enforce_gtid_consistency to "
        f"ON, then gtid_mode to {', then to '.join(rest)}: each is refused before the one before it, and all of them "
        "while the server has replicas. The service does not turn GTIDs off again.",
    )


@check(
    "azure-accounts-filter",
    "accounts are not taken over",
    Side.CLOUD,
    Severity.BLOCKER,
    why="Locks on the new server's accounts are in its log; a server that takes them over locks its clients out.",
    asks="Configurations_Get: replicate_wild_ignore_table",
    page=DATA_IN,
)
@answered
def accounts_filter(pair: Pair) -> Result:
    """Fails where the source follows by GTID and its service's filter does not leave accounts out."""
    asked = account(pair)
    place = asked.place_of(pair.source)
    if place is None:
        return not_applicable("the source is none of the service's")
    if pair.positioning is not Positioning.GTID:
        return not_applicable("by file it begins behind them")
    try:
        found = asked.read(lambda client: flexible.configuration(client, place, "replicate_wild_ignore_table"))
    except CloudFailed as error:
        if isinstance(error.__cause__, NotFound):
            return unsaid("replicate_wild_ignore_table")
        raise
    patterns = (found.value or "").split(",")
    evidence = table(("left out",), [(one,) for one in patterns])
    if any(pair.source.value("SELECT 'mysql.user' LIKE %s", (one.strip(),)) for one in patterns if one.strip()):
        return passed("left out", evidence)
    return failed(
        "taken over",
        evidence,
        "Set the source's server parameter replicate_wild_ignore_table to mysql.%,information_schema.%,"
        "performance_schema.%,sys.% (server parameters, in the portal).",
    )


@check(
    "azure-certificate",
    "certificate for the channels",
    Side.BOTH,
    Severity.BLOCKER,
    why="A Flexible Server requires TLS by default, and its procedures want the authority's certificate as text.",
    asks="require_secure_transport; the certificate file of this migration",
    page=HOW_TO,
)
@answered
def certificate(pair: Pair) -> Result:
    """Fails where a Flexible Server follows one that requires TLS, and no certificate is given."""
    asked = account(pair)
    ends = (pair.source, pair.other or pair.source)
    required = [
        followed.name
        for replica, followed in (ends, ends[::-1])
        if asked.place_of(replica) is not None
        and (followed.variable("require_secure_transport") or "OFF").upper() in ("ON", "1")
        and followed.endpoint.ca_file is None
    ]
    if not required:
        return passed("given where it is needed")
    return failed(
        f"none for {' and '.join(dict.fromkeys(required))}",
        (),
        "Give the file with the authorities' certificates, as PEM, when you name the server. Azure's are DigiCert "
        "Global Root G2 and Microsoft RSA Root Certificate Authority 2017, both in one file (how-to-connect-tls-ssl).",
    )


@check(
    "azure-replication-account",
    "account for replication",
    Side.SOURCE,
    Severity.BLOCKER,
    why="Each side logs in to the other with it; the service's own replication account is the service's alone.",
    asks="log in with the account from this machine; SHOW GRANTS",
    page=HOW_TO,
)
def replication_account(pair: Pair) -> Result:
    """Fails where the account given for replication cannot log in to the source, or not replicate."""
    user, followed = pair.spec.source.replication_user, pair.source
    remedy = (
        f"On {followed.name}, as its administrator: CREATE USER '{user}'@'%' IDENTIFIED BY ... REQUIRE SSL; GRANT "
        f"REPLICATION SLAVE ON *.* TO '{user}'@'%'. A read replica gets it with the data."
    )
    return may_replicate(followed, Login(user, pair.secrets.source_replication), remedy)
