"""What statements in a log are taken for: too much rather than too little."""

from __future__ import annotations

import pytest

from migration.verify.effects import Effect, effect, named

ORDERS, ITEMS, ODD = ("shop", "orders"), ("shop", "items"), ("shop", "o`dd name")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("CREATE TABLE t (id INT)", Effect.DEFINITION),
        ("create or replace table t as select 1", Effect.DEFINITION),
        ("/* a note */ ALTER TABLE t ADD c INT", Effect.DEFINITION),
        ("-- a note\nDROP TABLE IF EXISTS t", Effect.DEFINITION),
        ("/*!50000 DROP DATABASE d */", Effect.DEFINITION),
        ("RENAME TABLE a TO b", Effect.DEFINITION),
        ("CREATE UNIQUE INDEX i ON t (c)", Effect.DEFINITION),
        ("TRUNCATE t", Effect.EMPTIES),
        ("CREATE DEFINER=`root`@`%` TRIGGER x BEFORE INSERT ON t FOR EACH ROW SET @a = 1", Effect.CODE),
        ("CREATE OR REPLACE ALGORITHM=MERGE DEFINER = a@b SQL SECURITY INVOKER VIEW v AS SELECT 1", Effect.CODE),
        ("ALTER EVENT e DISABLE", Effect.CODE),
        ("DROP VIEW v", Effect.NOTHING),
        ("GRANT ALL ON *.* TO x", Effect.NOTHING),
        ("CREATE TEMPORARY TABLE t (id INT)", Effect.NOTHING),
        ("DROP /*!40005 TEMPORARY */ TABLE IF EXISTS `t`", Effect.NOTHING),
        ("ANALYZE TABLE t", Effect.NOTHING),
        ("UPDATE t SET a = 1", Effect.ROWS),
        ("LOAD DATA INFILE 'x' INTO TABLE t", Effect.ROWS),
        ("a word that nobody knows", Effect.ROWS),
        ("", Effect.ROWS),
    ],
)  # fmt: skip
def test_effect(text: str, expected: Effect) -> None:
    assert effect(text) is expected


@pytest.mark.parametrize(
    ("text", "database", "found"),
    [
        ("UPDATE orders SET a = 1", "shop", {ORDERS}),
        ("UPDATE SHOP.ORDERS SET a = 1", "", {ORDERS}),
        ("DELETE `orders` FROM `shop`.`orders`,items", "shop", {ORDERS, ITEMS}),
        ("UPDATE orders_old SET a = 1", "shop", set()),
        ("UPDATE my_orders, orders$ SET a = 1", "shop", set()),
        ("UPDATE orders SET a = 1", "other", set()),
        ("INSERT INTO shop.items SELECT * FROM x", "other", {ITEMS}),
        ("UPDATE `o``dd name` SET a = 1", "shop", {ODD}),
    ],
)
def test_named(text: str, database: str, found: set[tuple[str, str]]) -> None:
    assert named(text, database, (ORDERS, ITEMS, ODD)) == found
