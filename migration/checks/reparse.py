"""Whether the target takes every definition of the source: by giving them to it, not by reading them ourselves."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from migration.check import Pair, Result, Severity, check
from migration.checks import facts, objects
from migration.checks.objects import Stored
from migration.checks.results import failed, not_applicable, passed, table
from migration.model import Side
from providers.mysql.connection import Connection
from providers.mysql.errors import LockTimeout, PrivilegeMissing, ServerError, StatementFailed
from providers.mysql.literals import quote_name
from providers.mysql.schema import StoredObject, as_ours, create_object
from providers.mysql.scratch import Scratch

_BUDGET_S = 1.5
# As the copy creates tables.
_TABLE_MODE = "SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES'"
# Errors of a server that refuses everything: nothing is known of the definition.
_READ_ONLY = frozenset({1290, 1792, 1836})
_NO_TABLE = 1146
_NO_FUNCTION = 1305
# No such database, table, column or function.
_NOT_FOUND = frozenset({1049, 1054, _NO_TABLE, _NO_FUNCTION})
_BODY = re.compile(r"\bFOR\s+EACH\s+ROW\b", re.IGNORECASE)
# Engines whose tables reach out to other servers as soon as they are there.
_OUTSIDE = frozenset({"federated", "connect", "spider", "s3", "ndbcluster"})
# Each partition is a file of its own to make and to remove.
_MOST_PARTITIONS = 64
_COLUMNS = {
    "TABLE": "Create Table", "VIEW": "Create View", "PROCEDURE": "Create Procedure", "FUNCTION": "Create Function",
    "TRIGGER": "SQL Original Statement", "EVENT": "Create Event",
}  # fmt: skip
_SESSION = ("sql_mode", "collation_connection", "time_zone")


@dataclass(frozen=True)
class _Item:
    """A database, a table or what is stored; `kind` is the word behind SHOW CREATE."""

    kind: str
    base: str
    name: str
    stored: Stored | None = None

    @property
    def shown(self) -> str:
        return f"{self.base}.{self.name}" if self.name else self.base


@dataclass(frozen=True)
class _Outcome:
    """What became of one: `code` is the target's where it refused, 0 where it took it, None where it was not tried."""

    code: int | None
    words: str = ""

    @property
    def accepted(self) -> bool:
        return self.code == 0


_ACCEPTED = _Outcome(0)


@check(
    "objects-accepted",
    "target takes every definition",
    Side.TARGET,
    Severity.BLOCKER,
    why="What the target does not understand or allow would stop the copy half-way, or the application after it.",
    asks="SHOW CREATE of tables, views, routines, triggers and events on the source; the same statements on the target",
    writes="scratch databases on the target, logged only where a provider allows no less, dropped again at once",
)
def objects_accepted(pair: Pair) -> Result:
    """Fails where the target refuses a definition in a database of scratch."""
    if facts.has_its_copy(pair):
        return not_applicable("the target has them")
    items = _in_order(pair)
    if not items:
        return passed("there is nothing to try")
    with contextlib.closing(pair.source.connect()) as source, Scratch(pair.target) as scratch:
        trial = _Trial(pair, source, scratch, items)
        try:
            trial.run()
        except StatementFailed as error:
            if error.code in _READ_ONLY:
                raise _closed(error) from error
            raise
    return _result(trial.outcomes, len(items))


def _closed(error: StatementFailed) -> StatementFailed:
    return StatementFailed(
        error.server,
        f"{error.server} takes no changes now, so nothing could be tried there ({error.code}: {_words(error)}). Open "
        "it for the time of this check (SET GLOBAL super_read_only = OFF on it), run the check again, and close it.",
        error.code,
    )


def _result(outcomes: Mapping[_Item, _Outcome], total: int) -> Result:
    tried = sum(1 for item, outcome in outcomes.items() if outcome.code is not None and item.name)
    refused = [(item.kind.lower(), item.shown, o.code, o.words) for item, o in outcomes.items() if o.code]
    untried = [(item.kind.lower(), item.shown, "not tried", o.words) for item, o in outcomes.items() if o.code is None]
    evidence = table(("kind", "object", "error", "the server's words"), [*refused, *untried])
    of_all = f"{tried:,} of {total:,} tried"
    if not refused:
        return passed(f"all {total:,} are taken" if tried == total else f"{of_all}, none refused", evidence)
    return failed(
        f"{len(refused):,} refused, {of_all}",
        evidence,
        "Change these on the source so that both servers take them, or drop what nobody uses. The server's words name "
        "the place in the definition that it does not understand or allow.",
    )


def _in_order(pair: Pair) -> tuple[_Item, ...]:
    """Everything to try: the unusual tables, what is stored, and the other tables."""
    unusual = {(column.base, column.table) for column in facts.columns(pair)}
    unusual |= {(key.base, key.table) for key in facts.keys(pair) if key.odd}
    unusual |= {(key.base, key.table) for key in facts.foreign_keys(pair)}
    tables: list[_Item] = []
    first: list[_Item] = []
    for each in facts.tables(pair):
        odd = (each.base, each.name) in unusual or each.engine != "InnoDB" or each.options
        (first if odd else tables).append(_Item("TABLE", each.base, each.name))
    kept = (*objects.routines(pair), *objects.views(pair), *objects.triggers(pair), *objects.events(pair))
    return (*first, *(_Item(each.kind, each.base, each.name, each) for each in kept), *tables)


class _Trial:
    """One run of trying; `outcomes` has what was tried so far."""

    def __init__(self, pair: Pair, source: Connection, scratch: Scratch, items: Iterable[_Item]) -> None:
        self.outcomes: dict[_Item, _Outcome] = {}
        self._source = source
        self._scratch = scratch
        self._version = pair.target.version
        self._sets_globals = pair.target.dialect.sets_globals
        self._items = tuple(items)
        self._moved = facts.moved(pair)
        # Tables and views go before functions of the same name.
        kinds = ("FUNCTION", "TABLE", "VIEW")
        named = sorted((item for item in self._items if item.kind in kinds), key=lambda item: kinds.index(item.kind))
        self._named = {(item.base, item.name.lower()): item for item in named}
        self._referring = {(key.base, key.table) for key in facts.foreign_keys(pair)}
        self._left_out = _left_out(pair)
        self._options = _database_options(pair)
        self._bases: dict[str, str] = {}
        self._standing: set[_Item] = set()
        source.run("SET SESSION sql_mode = ''")

    def run(self) -> None:
        """Try one after the other until the time is up."""
        until = time.monotonic() + _BUDGET_S
        for item in self._items:
            if time.monotonic() > until:
                return
            if item in self.outcomes:
                continue
            if self._taken_for_a_moment(item):
                self.outcomes[item] = _ACCEPTED
            else:
                self._make(item)

    def _taken_for_a_moment(self, item: _Item) -> bool:
        """Whether the target takes a table as a temporary one, which is quick; a refusal says nothing."""
        place = (item.base, item.name)
        if item.kind != "TABLE" or place in self._left_out or place in self._referring:
            return False
        try:
            create = self._shown(item).definition.replace("CREATE TABLE", "CREATE TEMPORARY TABLE", 1)
            use = f"USE {quote_name(self._base(item.base))}"
            drop = f"DROP TEMPORARY TABLE {quote_name(item.name)}"
            self._scratch.session.results((use, _TABLE_MODE, create, drop))
        except LockTimeout:
            raise
        except StatementFailed as error:
            if error.code in _READ_ONLY:
                raise
            return False
        return True

    def _make(self, item: _Item) -> _Outcome:
        """Create one to stay until the end, unless it was refused before."""
        known = self.outcomes.get(item)
        if item in self._standing or (known is not None and not known.accepted):
            return known or _ACCEPTED
        self.outcomes[item] = _Outcome(None, "it rests on itself")
        self.outcomes[item] = outcome = self._attempt(item)
        if outcome.accepted:
            self._standing.add(item)
        return outcome

    def _attempt(self, item: _Item) -> _Outcome:
        if item.kind == "TABLE" and (reason := self._left_out.get((item.base, item.name))):
            return _Outcome(None, reason)
        try:
            shown = self._shown(item)
        except PrivilegeMissing:
            raise
        except StatementFailed as error:
            return _Outcome(None, f"the source does not show it: {_words(error)}")
        if item.stored is not None and item.stored.on and (below := self._below(item.base, item.stored.on.lower())):
            return below
        outcome = self._tried(shown)
        if item.kind == "VIEW" and outcome.code in _NOT_FOUND:
            # A view of more than one database, or whose definer is gone, is shown with the databases' names.
            moved = shown.definition
            for base in self._moved:
                if f"{quote_name(base)}." in moved:
                    moved = moved.replace(f"{quote_name(base)}.", f"{quote_name(self._base(base))}.")
            if moved != shown.definition:
                outcome = self._tried(replace(shown, definition=moved))
        return outcome

    def _tried(self, shown: StoredObject) -> _Outcome:
        """Create one, and whatever the target says is missing for it."""
        while True:
            try:
                self._create(shown)
            except LockTimeout:
                raise
            except StatementFailed as error:
                if error.code in _READ_ONLY:
                    raise
                code, words = error.code, _words(error)
            else:
                return _ACCEPTED
            resting = self._missing(words) if code in (_NO_TABLE, _NO_FUNCTION) else None
            if resting is None:
                for base, name in self._bases.items():
                    words = words.replace(name, base)
                return _Outcome(code, words)
            if below := self._below(*resting):
                return below

    def _below(self, base: str, name: str) -> _Outcome | None:
        """Create what something rests on; the outcome for what rests on it where that is not taken."""
        item = self._named.get((base, name))
        if item is None or self._make(item).accepted:
            return None
        return _Outcome(None, f"it rests on {item.shown}, which is not taken")

    def _create(self, shown: StoredObject) -> None:
        session = self._scratch.session
        if shown.kind == "TABLE":
            session.results((f"USE {quote_name(shown.database)}", _TABLE_MODE, shown.definition))
        else:
            create_object(session, shown if self._sets_globals else as_ours(shown), self._version)

    def _missing(self, words: str) -> tuple[str, str] | None:
        """What the target did not find and the source has: database and name, read in the server's words."""
        for base, scratch in self._bases.items():
            _, here, rest = words.partition(f"{scratch}.")
            if here:
                rest = rest.lower()
                fitting = [name for (of, name) in self._named if of == base and rest.startswith(name)]
                found = (base, max(fitting, key=len)) if fitting else None
                return found if found is None or self._named[found] not in self._standing else None
        return None

    def _base(self, base: str) -> str:
        """The database of scratch that stands for one of the source's."""
        if base not in self._bases:
            try:
                self._bases[base] = self._scratch.database(self._options.get(base, ""))
            except StatementFailed as error:
                # Whoever refuses the plain statement, too, refuses everything.
                self._bases[base] = self._scratch.database()
                self.outcomes[_Item("DATABASE", base, "")] = _Outcome(error.code, _words(error))
        return self._bases[base]

    def _shown(self, item: _Item) -> StoredObject:
        """The definition as the source shows it, to be created in the database of scratch."""
        # What is of the session's own database is shown without the database's name.
        self._source.run(f"USE {quote_name(item.base)}")
        name = quote_name(item.name)
        row = self._source.named(f"SHOW CREATE {item.kind} {name}")[0]
        definition = str(row[_COLUMNS[item.kind]])
        if item.stored is not None and item.kind == "TRIGGER":
            definition = _plain_trigger(item.stored, definition)
        if item.kind == "VIEW":
            # Its definer has privileges on the real tables only, which would spoil the views that rest on it.
            definition = definition.replace(" SQL SECURITY DEFINER VIEW ", " SQL SECURITY INVOKER VIEW ", 1)
        session = {name: str(row[name]) for name in _SESSION if row.get(name) is not None}
        return StoredObject(item.kind, self._base(item.base), item.name, definition, session)


def _plain_trigger(trigger: Stored, definition: str) -> str:
    """A trigger with its own and its table's name plain: SHOW CREATE has them as they were written once."""
    user, _, host = trigger.definer.rpartition("@")
    body = _BODY.split(definition, maxsplit=1)[-1]
    return (
        f"CREATE DEFINER={quote_name(user)}@{quote_name(host)} TRIGGER {quote_name(trigger.name)} {trigger.when} "
        f"ON {quote_name(trigger.on)} FOR EACH ROW {body}"
    )


def _words(error: ServerError) -> str:
    """What the server said, without ours around it."""
    cause = error.__cause__
    return str(cause.args[-1]) if isinstance(cause, Exception) and cause.args else str(error)


def _left_out(pair: Pair) -> dict[tuple[str, str], str]:
    """Tables that are not to be created just to try, and why."""
    reasons = {
        (t.base, t.name): f"a {t.engine} table reaches out to another server"
        for t in facts.tables(pair)
        if t.engine.lower() in _OUTSIDE
    }
    many = (each for each in facts.partitioned(pair) if each.number > _MOST_PARTITIONS)
    return reasons | {(each.base, each.table): f"it has {each.number} partitions" for each in many}


def _database_options(pair: Pair) -> dict[str, str]:
    rows = facts.ask_moved(
        pair,
        "SELECT schema_name, default_character_set_name, default_collation_name FROM information_schema.schemata",
        "schema_name",
        "SELECT",
    )
    return {str(name): f"CHARACTER SET {charset} COLLATE {collation}" for name, charset, collation in rows}
