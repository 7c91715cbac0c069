"""Rows that a server changes by a foreign key without a word in its log.

InnoDB carries out ON DELETE and ON UPDATE CASCADE, SET NULL and SET DEFAULT itself: the log has the parent's row
only (MySQL manual, "The Binary Log" and "FOREIGN KEY Constraints"; MariaDB documentation, "Foreign Keys"). From MySQL
9.6 on the server carries them out and logs the children's rows, unless innodb_native_foreign_keys says otherwise
(MySQL 9.6 release notes). Where they are not logged, the children of a parent whose rows were deleted or got another
key are read again as a whole, and theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

from migration.verify.model import Table
from providers.mysql.connection import Connection
from providers.mysql.errors import StatementFailed
from providers.mysql.server import read_version

_UNKNOWN_VARIABLE = 1193
_CARRIED_ON = frozenset({"CASCADE", "SET NULL", "SET DEFAULT"})
_WORDS = ", ".join(f"'{rule}'" for rule in sorted(_CARRIED_ON))
_ANY = (
    "SELECT 1 FROM information_schema.referential_constraints "
    f"WHERE update_rule IN ({_WORDS}) OR delete_rule IN ({_WORDS}) LIMIT 1"
)


@dataclass(frozen=True)
class ForeignKey:
    """A foreign key that changes its child's rows. `columns`: those of the parent that it refers to, in lower case.

    `on_update`: whether an update of these changes the child.
    """

    parent: Table
    child: Table
    columns: frozenset[str]
    on_update: bool


@dataclass(frozen=True)
class Cascades:
    """What one server changes by foreign keys and does not log; empty where it logs all."""

    keys: tuple[ForeignKey, ...] = ()
    _below: Mapping[Table, frozenset[Table]] = field(default_factory=dict)

    @classmethod
    def of(cls, keys: Iterable[ForeignKey]) -> Cascades:
        """Work out who is reached from whom."""
        known = tuple(keys)
        return cls(known, {parent: _reached(known, parent) for parent in {key.parent for key in known}})

    def parents(self) -> frozenset[Table]:
        """The tables whose rows have to be watched."""
        return frozenset(self._below)

    def below(self, parent: Table) -> frozenset[Table]:
        """The tables that change with a row of this one that is deleted or gets another key.

        Directly or through others; the table itself where it refers to itself.
        """
        return self._below.get(parent, frozenset())

    def by_any_update(self, tables: Collection[Table], key_of: Callable[[Table], frozenset[str]]) -> frozenset[Table]:
        """Those of which any update may change others: what is referred to is not all in the key they are known by.

        `key_of`: the names of a table's key columns in lower case; empty where nothing is known of it.
        """
        keys = (key for key in self.keys if key.on_update and key.parent in tables)
        return frozenset(key.parent for key in keys if not key.columns <= key_of(key.parent))


def _reached(keys: tuple[ForeignKey, ...], parent: Table) -> frozenset[Table]:
    reached: set[Table] = set()
    todo = [parent]
    while todo:
        at = todo.pop()
        found = {key.child for key in keys if key.parent == at} - reached
        reached |= found
        todo += found
    return frozenset(reached)


def read_cascades(connection: Connection) -> Cascades:
    """Ask a server for its foreign keys, those that refer to other databases included.

    Raises:
        ServerError: it does not answer.
    """
    # Most have none; who asks for the columns as well has some servers open each table once more.
    if _logged(connection) or connection.row(_ANY) is None:
        return Cascades()
    rows = connection.rows(
        "SELECT r.constraint_schema, r.constraint_name, r.table_name, r.update_rule, r.delete_rule, "
        "k.referenced_table_schema, k.referenced_table_name, k.referenced_column_name "
        "FROM information_schema.referential_constraints r JOIN information_schema.key_column_usage k "
        "ON k.constraint_schema = r.constraint_schema AND k.constraint_name = r.constraint_name "
        "AND k.table_name = r.table_name WHERE k.referenced_table_name IS NOT NULL"
    )
    columns: dict[tuple[str, ...], set[str]] = {}
    for base, name, child, on_update, on_delete, other_base, parent, column in rows:
        if {on_update, on_delete} & _CARRIED_ON:
            one = (str(base), str(name), str(child), str(on_update), str(other_base), str(parent))
            columns.setdefault(one, set()).add(str(column).lower())
    return Cascades.of(
        ForeignKey((other, parent), (base, child), frozenset(names), on_update in _CARRIED_ON)
        for (base, _, child, on_update, other, parent), names in columns.items()
    )


def _logged(connection: Connection) -> bool:
    """Whether the server logs what its foreign keys change."""
    if not read_version(connection).mysql_from(9, 6):
        return False
    try:
        return not int(connection.value("SELECT @@GLOBAL.innodb_native_foreign_keys"))
    except StatementFailed as error:
        if error.code != _UNKNOWN_VARIABLE:
            raise
        return False
