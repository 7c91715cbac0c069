"""Views, routines, triggers and events: who they run as, and whether they run where they should."""

from __future__ import annotations

from collections import defaultdict

from migration.check import Fix, Pair, Result, Route, Severity, check
from migration.checks import objects
from migration.checks.jumps.modes import DROPPED, unknown
from migration.checks.objects import Stored
from migration.checks.results import count, failed, not_applicable, passed, table
from migration.checks.sight import holds, privileges_on, require
from migration.model import Side
from providers.mysql.literals import quote_name
from providers.mysql.server import Server

# Any of these lets an account create what another one is the definer of (MySQL manual, Stored Object Access Control;
# MariaDB documentation, SET USER).
_ANY_DEFINER = ("SUPER", "SET USER", "SET_USER_ID", "SET_ANY_DEFINER")
_POWERS = "'SUPER', 'READ_ONLY ADMIN', 'READ ONLY ADMIN'"
_SHOWN_OBJECTS = 3
_LOGICAL = {Route.LOGICAL: Severity.BLOCKER}


@check(
    "triggers",
    "triggers",
    Side.SOURCE,
    Severity.NOTICE,
    why="A trigger must not do its work twice, once on each server.",
    asks="SELECT ... FROM information_schema.triggers",
    routes=_LOGICAL,
)
def triggers(pair: Pair) -> Result:
    """Fails where there are triggers; with row format the target does not fire them for replicated changes."""
    found = objects.triggers(pair)
    if not found:
        return passed("none")
    evidence = table(
        ("database", "trigger", "table", "when", "definer"), [(t.base, t.name, t.on, t.when, t.definer) for t in found]
    )
    words = count(len(found), "trigger", "triggers")
    if pair.route is Route.LOGICAL:
        # Taken back the newest first, so that triggers which fire together are created in their order.
        fixes = [_without_trigger(pair, trigger) for trigger in reversed(found)]
        remedy = (
            "Set them aside: they are dropped on the source now and created on the target once the migration is "
            "complete. Until then nothing does their work, so the application has to do without. Or see in the tool's "
            "documentation that it keeps the target's triggers from firing."
        )
        return failed(words, evidence, remedy, *fixes)
    return failed(
        words,
        evidence,
        "Nothing to do where the binary log format is ROW: what a trigger changed on the source is copied, and it "
        "fires on the target from the promotion on. See that the account each is defined by is on the target.",
    )


@check(
    "events",
    "scheduled events",
    Side.SOURCE,
    Severity.NOTICE,
    why="An event must run on one server only, and be switched on where the writes are.",
    asks="SELECT ... FROM information_schema.events",
    routes=_LOGICAL,
)
def events(pair: Pair) -> Result:
    """Fails where events are switched on; the cutover switches them over."""
    found = [event for event in objects.events(pair) if event.when == "ENABLED"]
    if not found:
        return passed("none is switched on")
    evidence = table(("database", "event", "status", "definer"), [(e.base, e.name, e.when, e.definer) for e in found])
    words = count(len(found), "is switched on", "are switched on")
    if pair.route is Route.LOGICAL:
        fixes = [_without_event(pair, event) for event in reversed(found)]
        remedy = (
            "Set them aside: they are dropped on the source now and created on the target once the migration is "
            "complete. Until then they do not run. Or see in the tool's documentation that it creates events on the "
            "target switched off."
        )
        return failed(words, evidence, remedy, *fixes)
    return failed(
        words,
        evidence,
        "Nothing to do here: on the target they are created switched off, and the cutover switches them over. See that "
        "event_scheduler is ON on the target, and that the account each is defined by is there.",
    )


def _without_trigger(pair: Pair, item: Stored) -> Fix:
    shown = pair.source.named(f"SHOW CREATE TRIGGER {quote_name(item.base)}.{quote_name(item.name)}")[0]
    return _set_aside(pair, item, str(shown["SQL Original Statement"]), "")


def _without_event(pair: Pair, item: Stored) -> Fix:
    shown = pair.source.named(f"SHOW CREATE EVENT {quote_name(item.base)}.{quote_name(item.name)}")[0]
    return _set_aside(pair, item, str(shown["Create Event"]), str(shown["time_zone"]))


def _set_aside(pair: Pair, item: Stored, create: str, zone: str) -> Fix:
    """The fix that drops a trigger or event, and creates the same again in a session like that it was made in."""
    drop = f"DROP {item.kind} {quote_name(item.base)}.{quote_name(item.name)}"
    # It is created on either server, so in modes that both know; which those are of a target that is still to be made
    # is not known, and any may be newer.
    gone = DROPPED if pair.other is None else unknown(pair.source.version, pair.other.version)
    modes = ",".join(mode for mode in item.mode.split(",") if mode not in gone)
    lines = [f"USE {quote_name(item.base)}", f"SET SESSION sql_mode = '{modes}'"]
    if zone:
        lines.append(f"SET SESSION time_zone = '{zone}'")
    if create.isascii() and drop.isascii():
        # Other text would be read in the wrong character set: ours is utf8mb4, whatever the session's is called.
        lines.append(f"SET SESSION character_set_client = {_old_name(item.client)}")
    lines.append(f"SET SESSION collation_connection = {_old_name(item.collation)}")
    return Fix(
        side=Side.SOURCE,
        statement=drop,
        undo=create,
        setting=f"{item.kind.lower()} {item.qualified}",
        was="there",
        becomes="set aside",
        reach=f"writers of {item.base}.{item.on}" if item.on else "whoever relies on what it does",
        set_aside=True,
        session=tuple(lines),
    )


def _old_name(charset: str) -> str:
    """The name of a character set or collation that servers of every age take."""
    return charset.replace("utf8mb3", "utf8", 1)


@check(
    "administrator-events",
    "no event can write behind the fence",
    Side.SOURCE,
    Severity.NOTICE,
    why="Where a server cannot be closed to administrators, an event that one of them defined writes in spite of it.",
    asks="information_schema.events and .user_privileges on the source",
)
def administrator_events(pair: Pair) -> Result:
    """Fails where an event that is switched on may write although the server is read-only."""
    if pair.source.dialect.has_super_read_only:
        return not_applicable("it can be closed to administrators")
    enabled = [event for event in objects.events(pair) if event.when == "ENABLED"]
    if not enabled:
        return passed("no event is switched on")
    asked = f"SELECT DISTINCT grantee FROM information_schema.user_privileges WHERE privilege_type IN ({_POWERS})"
    powerful = {str(row[0]).replace("'", "") for row in pair.source.rows(asked)}
    found = [event for event in enabled if event.definer in powerful]
    if not found:
        return passed("none is an administrator's")
    return failed(
        count(len(found), "is an administrator's", "are an administrator's"),
        table(("database", "event", "definer"), [(e.base, e.name, e.definer) for e in found]),
        "Nothing to do if they are short: the cutover stops the event scheduler before the fence and waits up to ten "
        "seconds for events that run. Give a long one another definer, or a time far from the cutover's.",
    )


@check(
    "definers",
    "definers have accounts",
    Side.BOTH,
    Severity.WARNING,
    why="What runs in the name of an account that is not there fails each time that it is used.",
    asks="definer in information_schema.views, .routines, .triggers and .events; mysql.user on both",
    page="MySQL 8.4 Reference Manual, Stored Object Access Control",
)
def definers(pair: Pair) -> Result:
    """Fails where a view, routine, trigger or event has a definer that one of the servers does not know."""
    named: dict[str, list[Stored]] = defaultdict(list)
    for item in objects.stored(pair):
        if item.security == "DEFINER":
            named[item.definer].append(item)
    if not named:
        return passed("nothing runs in another's name")
    there = [_accounts(server) for server in (pair.source, pair.target)]
    rows = [
        (definer, len(items), _some(items), *("there" if _account(definer) in known else "missing" for known in there))
        for definer, items in sorted(named.items())
        if any(_account(definer) not in known for known in there)
    ]
    if not rows:
        return passed(f"all {len(named)} are there")
    held = privileges_on(pair.target)
    may = any(holds(held, privilege) for privilege in _ANY_DEFINER)
    return failed(
        count(len(rows), "account is missing", "accounts are missing"),
        table(("definer", "objects", "such as", "on the source", "on the target"), rows),
        "Create these accounts on the target before the cutover, with the same grants, or create the objects anew with "
        "another definer. One that is missing on the source as well fails there already: drop what nobody uses."
        + ("" if may else f" {_MANAGED}"),
    )


_MANAGED = (
    "The account used on the target may not create objects in another's name: grant it SET_USER_ID (MySQL 8.0), "
    "SET_ANY_DEFINER and ALLOW_NONEXISTENT_DEFINER (8.2 and later), SET USER (MariaDB) or SUPER; where a managed "
    "server withholds these, they have to be created with that account as definer."
)


def _account(definer: str) -> tuple[str, str]:
    user, _, host = definer.rpartition("@")
    return user, host.lower()


def _accounts(server: Server) -> frozenset[tuple[str, str]]:
    return frozenset((str(user), str(host).lower()) for user, host in server.rows("SELECT user, host FROM mysql.user"))


def _some(items: list[Stored]) -> str:
    names = [f"{item.kind.lower()} {item.qualified}" for item in items[:_SHOWN_OBJECTS]]
    return ", ".join(names) + (", ..." if len(items) > _SHOWN_OBJECTS else "")


@check(
    "orphaned-objects",
    "no routine or event is left over",
    Side.SOURCE,
    Severity.NOTICE,
    why="A routine or event whose database is gone moves nowhere, and stops an upgrade of the data files to MySQL 8.0.",
    asks="information_schema.routines and .events whose database is not in .schemata",
    routes={Route.PHYSICAL: Severity.BLOCKER},
    page="MySQL Shell, upgrade checker utility: orphanedObjects",
)
def orphaned_objects(pair: Pair) -> Result:
    """Fails where a routine or event belongs to a database that is not there."""
    source = pair.source
    if source.version.mysql_from(8, 0):
        return not_applicable("they go with their database")
    # Listed from mysql.proc and mysql.event, which nothing clears when a database's directory is removed by hand.
    for privilege in ("SELECT", "EVENT"):
        require(source, privilege)
    gone = "NOT IN (SELECT schema_name FROM information_schema.schemata)"
    rows = source.rows(
        "SELECT routine_type, routine_schema, routine_name FROM information_schema.routines "
        f"WHERE routine_schema {gone} UNION ALL SELECT 'EVENT', event_schema, event_name "
        f"FROM information_schema.events WHERE event_schema {gone} ORDER BY 1, 2, 3"
    )
    if not rows:
        return passed("none is")
    return failed(
        count(len(rows), "is left over", "are left over"),
        table(("kind", "database", "name"), [(str(kind).lower(), base, name) for kind, base, name in rows]),
        "Nothing to do for a copy: they are left behind. To be rid of them, create the database, drop them "
        "(DROP PROCEDURE, FUNCTION or EVENT) and drop the database again.",
    )
