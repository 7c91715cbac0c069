"""Which collations a new server has that an old one does not, and what each is to become there.

Numbers below 2048 mean the same everywhere, except that MySQL 8.0 and MariaDB added different ones; so both servers
are asked. Sources: MySQL manual, "Character Sets and Collations in MySQL", INFORMATION_SCHEMA COLLATIONS; MariaDB
documentation, COLLATION_CHARACTER_SET_APPLICABILITY, whose numbers are those of 10.10 and later.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from providers.mysql.server import Server

_OLD_NAMES = {"utf8": "utf8mb3"}


@dataclass(frozen=True)
class Collation:
    """One collation of a server; `default` says whether its character set has it where none is asked for."""

    number: int
    name: str
    charset: str
    default: bool


@dataclass(frozen=True)
class Translation:
    """What an old server lacks of a new one's collations.

    `table` gives the number that takes the place of another. `names` are the names of all that are lacking.
    `charsets` are those that the old server does not have at all, so that nothing can take their place.
    """

    table: Mapping[int, int]
    names: frozenset[str]
    charsets: frozenset[str]


def collations_of(server: Server) -> tuple[Collation, ...]:
    """Every collation of a server that has a number."""
    rows = server.rows(
        "SELECT id, collation_name, character_set_name, is_default FROM information_schema.collations "
        "WHERE id IS NOT NULL AND character_set_name IS NOT NULL"
    )
    if server.version.mariadb_from(10, 10):
        # Those that go with several character sets have a number for each, and only here.
        rows += server.rows(
            "SELECT id, full_collation_name, character_set_name, is_default "
            "FROM information_schema.collation_character_set_applicability WHERE collation_name <> full_collation_name"
        )
    return tuple(
        Collation(int(number), str(name), _OLD_NAMES.get(str(charset), str(charset)), str(default) == "Yes")
        for number, name, charset, default in rows
    )


def translation(new: Iterable[Collation], old: Iterable[Collation]) -> Translation:
    """What takes the place of each collation that the old server does not have.

    That is the old server's default for the same character set; its binary collation for those that tell
    capitals apart, so that no two values become one.
    """
    known = {one.number: one for one in old}
    by_name = {one.name: one for one in known.values()}
    defaults = {one.charset: one for one in known.values() if one.default}
    table, names, charsets = {}, set(), set()
    for one in new:
        if one.number in known and known[one.number].charset == one.charset:
            continue
        names.add(one.name)
        exact = by_name.get(f"{one.charset}_bin") if one.name.endswith(("_bin", "_cs")) else None
        chosen = exact or defaults.get(one.charset)
        if chosen is None:
            charsets.add(one.charset)
        else:
            table[one.number] = chosen.number
    return Translation(table, frozenset(names), frozenset(charsets))
