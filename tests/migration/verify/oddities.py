"""Damages in tables whose schemas, names or engines are odd, as data; see damages.py."""

from __future__ import annotations

from dataclasses import replace

from providers.mysql.version import Version
from tests.migration.verify.damages import (
    DATABASE,
    KEYS,
    KINDS,
    ODD_DATABASE,
    OPTIONS,
    PLAIN,
    VALUES,
    Damage,
    Fits,
    Found,
    anywhere,
    changed,
    damage,
    extra,
    mariadb,
    missing,
    mysql_8,
    newer,
    newest,
    too_few,
    too_many,
)

_ROWS = "(1, 1), (2, 2), (3, 3)"
_HARM = "UPDATE {t} SET v = 0 WHERE id = 2"
_CHANGED = changed({"id": "2"}, "v")


def _named(name: str) -> Damage:
    """A plain table of an odd name."""
    return damage(name, PLAIN, _ROWS, _HARM, _CHANGED)


def _made(name: str, make: tuple[str, ...], harm: str, *found: Found, fits: Fits = anywhere) -> Damage:
    """A damage to a table made by statements of its own."""
    return Damage(name, make, (harm,), found, fits)


NAMES: tuple[Damage, ...] = (
    *map(
        _named,
        (
            "[red]",
            "back`tick",
            "per%cent %s",
            "dot.ted",
            "'quoted' \"twice\"",
            "SELECT",
            "with-dash",
            "$dollar",
            "Ünïcode ☃ 表",
            "123",
            "new\nline",
            "{braces}",
            "star*",
            "x" * 64,
        ),
    ),
    replace(_named("in an odd database"), database=ODD_DATABASE),
    damage(
        "column in backticks",
        "```id``` INT NOT NULL PRIMARY KEY, ```v``` INT",
        _ROWS,
        "UPDATE {t} SET ```v``` = 0 WHERE ```id``` = 2",
        changed({"`id`": "2"}, "`v`"),
    ),
    damage(
        "odd columns",
        "`select` INT NOT NULL, `a.b` VARCHAR(10) NOT NULL, `%s` INT, `☃ [red]` INT, `'` INT, "
        "PRIMARY KEY (`select`, `a.b`)",
        "(1, 'x', 1, 1, 1), (2, 'x', 1, 1, 1)",
        "UPDATE {t} SET `%s` = 2, `☃ [red]` = 2, `'` = 2 WHERE `select` = 2",
        changed({"select": "2", "a.b": "x"}, "%s", "☃ [red]", "'"),
    ),
)

SCHEMAS: tuple[Damage, ...] = (
    damage(
        "key only", "id INT NOT NULL PRIMARY KEY", "(1), (2), (3)", "DELETE FROM {t} WHERE id = 2", missing({"id": "2"})
    ),
    damage("key last", "v INT, w TEXT, id INT, PRIMARY KEY (id)", "(1, 'a', 1), (2, 'b', 2)", _HARM, _CHANGED),
    damage(
        "key in another order",
        "a INT NOT NULL, b INT NOT NULL, v INT, PRIMARY KEY (b, a)",
        "(1, 2, 0), (2, 1, 0), (2, 2, 0)",
        "UPDATE {t} SET v = 1 WHERE a = 2 AND b = 1",
        changed({"b": "1", "a": "2"}, "v"),
    ),
    damage(
        "key of many columns",
        "a TINYINT, b VARCHAR(5), c DATE, d BINARY(2), e BIGINT UNSIGNED, v INT, PRIMARY KEY (a, b, c, d, e)",
        "(1, 'x', '2024-01-01', 0x0000, 1, 0), (1, 'x', '2024-01-01', 0x0000, 2, 0), (1, 'x', '2024-01-02', 0, 1, 0)",
        "UPDATE {t} SET v = 1 WHERE e = 2",
        changed({"a": "1", "b": "x", "c": "2024-01-01", "d": "0x0000", "e": "2"}, "v"),
    ),
    damage("unique key only", "v INT, id INT NOT NULL, UNIQUE KEY (id)", _ROWS, _HARM, _CHANGED),
    damage(
        "nullable unique key",
        "id INT, v INT, UNIQUE KEY (id)",
        "(1, 1), (2, 2), (NULL, 3), (NULL, 3)",
        "UPDATE {t} SET v = 0 WHERE id IS NULL",
        too_few(2),
        too_many(2),
    ),
    damage(
        "key of a part of a text",
        "k VARCHAR(200) NOT NULL, v INT, PRIMARY KEY (k(5))",
        "('aaaaa-1', 1), ('bbbbb-1', 1)",
        "UPDATE {t} SET v = 2 WHERE k = 'bbbbb-1'",
        too_few(),
        too_many(),
    ),
    _made(
        "MyISAM",
        (f"CREATE TABLE {{t}} ({PLAIN}) ENGINE=MyISAM", f"INSERT INTO {{t}} VALUES {_ROWS}"),
        _HARM,
        _CHANGED,
    ),
    _made(
        "MyISAM without a key",
        ("CREATE TABLE {t} (v INT) ENGINE=MyISAM", "INSERT INTO {t} VALUES (1), (2)"),
        "DELETE FROM {t} WHERE v = 2",
        too_few(),
    ),
    _made(
        "partitioned",
        (
            f"CREATE TABLE {{t}} ({PLAIN}) {OPTIONS} PARTITION BY HASH (id) PARTITIONS 4",
            f"INSERT INTO {{t}} VALUES {_ROWS}",
        ),
        _HARM,
        _CHANGED,
    ),
    _made(
        "dynamic rows",
        (f"CREATE TABLE {{t}} ({PLAIN}) {OPTIONS} ROW_FORMAT=DYNAMIC", f"INSERT INTO {{t}} VALUES {_ROWS}"),
        "DELETE FROM {t}",
        *(missing({"id": str(number)}) for number in (1, 2, 3)),
    ),
    damage(
        "generated columns",
        "id INT NOT NULL PRIMARY KEY, v INT, s INT GENERATED ALWAYS AS (v + 1) STORED, "
        "w INT GENERATED ALWAYS AS (v + 2) VIRTUAL",
        "(1, 1, DEFAULT, DEFAULT), (2, 2, DEFAULT, DEFAULT)",
        _HARM,
        changed({"id": "2"}, "v", "s", "w"),
        fits=newer,
    ),
    damage(
        "invisible column",
        "id INT NOT NULL PRIMARY KEY, v INT INVISIBLE",
        "",
        "INSERT INTO {t} (id, v) VALUES (1, 1)",
        extra({"id": "1"}),
        fits=newest,
    ),
    _made(
        "change of an invisible column",
        (
            f"CREATE TABLE {{t}} (id INT NOT NULL PRIMARY KEY, w INT, v INT INVISIBLE) {OPTIONS}",
            "INSERT INTO {t} (id, w, v) VALUES (1, 1, 1), (2, 2, 2)",
        ),
        _HARM,
        _CHANGED,
        fits=newest,
    ),
    _made(
        "invisible key",
        (
            "SET SESSION sql_generate_invisible_primary_key = ON",
            f"CREATE TABLE {{t}} (v INT) {OPTIONS}",
            "SET SESSION sql_generate_invisible_primary_key = OFF",
            "INSERT INTO {t} (v) VALUES (1), (2), (3)",
        ),
        "UPDATE {t} SET v = 0 WHERE v = 2",
        changed({"my_row_id": "2"}, "v"),
        fits=mysql_8,
    ),
    damage("descending key", "id INT NOT NULL, v INT, PRIMARY KEY (id DESC)", _ROWS, _HARM, _CHANGED, fits=newest),
    damage(
        "auto-increment in the second place",
        "a INT NOT NULL, id INT NOT NULL AUTO_INCREMENT, v INT, PRIMARY KEY (a, id), KEY (id)",
        "(1, 1, 1), (1, 2, 2)",
        _HARM,
        changed({"a": "1", "id": "2"}, "v"),
    ),
    _made(
        "under a view",
        (
            f"CREATE TABLE {{t}} ({PLAIN}) {OPTIONS}",
            "CREATE VIEW `damages`.`a view` AS SELECT * FROM {t}",
            f"INSERT INTO {{t}} VALUES {_ROWS}",
        ),
        _HARM,
        _CHANGED,
    ),
    _made(
        "two hundred columns",
        (
            f"CREATE TABLE {{t}} (id INT NOT NULL PRIMARY KEY, {', '.join(f'c{n} INT' for n in range(199))}) {OPTIONS}",
            "INSERT INTO {t} (id) VALUES (1), (2), (3)",
        ),
        "UPDATE {t} SET c0 = 1, c97 = 1, c198 = 1 WHERE id = 2",
        changed({"id": "2"}, "c0", "c97", "c198"),
    ),
    _made(
        "column added at the front",
        (
            f"CREATE TABLE {{t}} ({PLAIN}) {OPTIONS}",
            f"INSERT INTO {{t}} VALUES {_ROWS}",
            "ALTER TABLE {t} ADD COLUMN w VARCHAR(10) DEFAULT 'new' FIRST",
        ),
        "UPDATE {t} SET w = 'old' WHERE id = 2",
        changed({"id": "2"}, "w"),
    ),
    _made(
        "parent",
        (
            f"CREATE TABLE {{t}} ({PLAIN}) {OPTIONS}",
            f"CREATE TABLE `damages`.`child` (id INT NOT NULL PRIMARY KEY, parent INT, "
            f"FOREIGN KEY (parent) REFERENCES {{t}} (id) ON DELETE CASCADE) {OPTIONS}",
            f"INSERT INTO {{t}} VALUES {_ROWS}",
            "INSERT INTO `damages`.`child` VALUES (1, 1), (2, 3)",
        ),
        _HARM,
        _CHANGED,
    ),
    _made(
        "sequence",
        ("CREATE SEQUENCE {t}",),
        "ALTER SEQUENCE {t} RESTART WITH 777",
        too_few(),
        too_many(),
        fits=mariadb,
    ),
    _made(
        "system-versioned",
        (f"CREATE TABLE {{t}} ({PLAIN}) {OPTIONS} WITH SYSTEM VERSIONING", f"INSERT INTO {{t}} VALUES {_ROWS}"),
        _HARM,
        _CHANGED,
        fits=mariadb,
    ),
)

EVERY = (*KINDS, *VALUES, *KEYS, *NAMES, *SCHEMAS)
DATABASES = (DATABASE, ODD_DATABASE)


def fitting(*versions: Version) -> tuple[Damage, ...]:
    """The damages that all these servers can hold."""
    return tuple(damage for damage in EVERY if all(damage.fits(version) for version in versions))
