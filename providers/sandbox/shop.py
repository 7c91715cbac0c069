"""The rehearsal's database: a small shop with what real schemas have, always with the same content."""

from __future__ import annotations

import datetime
import random
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeAlias

import pymysql

from providers.sandbox.options import COLLATION

DATABASE = "shop"
_BATCH = 2_000
_SEED = 20_240_229
_EPOCH = datetime.datetime(2024, 2, 29, 12, 0, 0)
_NAMES = (
    "Ada Lovelace",
    "Bjørn Åström",
    "Zoë Müller",
    "Łukasz Żak",
    "Дарья Иванова",
    "王小明",
    "さくら",
    "José Nuñez 🛒",
)
_CITIES = ("Lisboa", "Tromsø", "München", "Kraków", "Київ", "上海", "大阪", "São Paulo")
_STATES = ("new", "paid", "sent", "returned")

# `id` of the ledger is given by the client, so that a write can be tried again under the same number.
_TABLES = (
    """CREATE TABLE customers (
        id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
        email VARCHAR(120) NOT NULL, name VARCHAR(120) NOT NULL, city VARCHAR(80),
        born DATE, credit DECIMAL(10,2) NOT NULL DEFAULT 0, note TEXT,
        created DATETIME NOT NULL, UNIQUE KEY email (email), KEY city_name (city, name)
    )""",
    """CREATE TABLE products (
        id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
        sku CHAR(10) NOT NULL, title VARCHAR(120) NOT NULL, price DECIMAL(12,4) NOT NULL,
        weight DOUBLE, picture BLOB, UNIQUE KEY sku (sku), KEY price (price)
    )""",
    """CREATE TABLE orders (
        id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
        customer_id INT UNSIGNED NOT NULL, state ENUM('new','paid','sent','returned') NOT NULL,
        placed DATETIME(3) NOT NULL, total DECIMAL(14,4) NOT NULL DEFAULT 0, remark VARCHAR(200),
        KEY customer_placed (customer_id, placed), KEY state (state),
        CONSTRAINT orders_customer FOREIGN KEY (customer_id) REFERENCES customers (id)
    )""",
    """CREATE TABLE order_lines (
        order_id BIGINT UNSIGNED NOT NULL, line SMALLINT UNSIGNED NOT NULL,
        product_id INT UNSIGNED NOT NULL, quantity INT NOT NULL, price DECIMAL(12,4) NOT NULL,
        PRIMARY KEY (order_id, line), KEY product (product_id),
        CONSTRAINT lines_order FOREIGN KEY (order_id) REFERENCES orders (id) ON DELETE CASCADE,
        CONSTRAINT lines_product FOREIGN KEY (product_id) REFERENCES products (id)
    )""",
    """CREATE TABLE ledger (
        id BIGINT NOT NULL PRIMARY KEY, client INT NOT NULL, note VARCHAR(120), at_ns BIGINT NOT NULL,
        KEY client (client)
    )""",
)
_TRIGGER = """CREATE TRIGGER order_total AFTER INSERT ON order_lines FOR EACH ROW
        UPDATE orders SET total = total + NEW.quantity * NEW.price WHERE id = NEW.order_id"""
# Views and routines, which every kind of migration carries.
PLAIN_PROGRAMS = (
    """CREATE VIEW customer_totals AS
        SELECT c.id, c.name, COUNT(o.id) AS orders, COALESCE(SUM(o.total), 0) AS total
        FROM customers c LEFT JOIN orders o ON o.customer_id = c.id GROUP BY c.id, c.name""",
    """CREATE PROCEDURE raise_credit(IN customer INT UNSIGNED, IN amount DECIMAL(10,2))
        UPDATE customers SET credit = credit + amount WHERE id = customer""",
)
ALL_PROGRAMS = (*PLAIN_PROGRAMS, _TRIGGER)


Connection: TypeAlias = "pymysql.Connection[pymysql.cursors.Cursor]"


@dataclass(frozen=True)
class _Table:
    """The content of one table, in the order of its key."""

    name: str
    columns: tuple[str, ...]
    rows: Iterable[tuple[Any, ...]]


def create(
    connect: Callable[[], Connection],
    rows: int,
    on_rows: Callable[[int], None],
    programs: Sequence[str] = ALL_PROGRAMS,
) -> None:
    """Make the database and load about `rows` rows; `on_rows` is told how many are there so far.

    `connect` gives a session of an administrator. Programs come last: a trigger would otherwise work on every
    loaded line. Without the trigger, orders keep the totals that they are inserted with.
    """
    with _session(connect) as session, session.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {DATABASE} CHARACTER SET utf8mb4 COLLATE {COLLATION}")
        session.select_db(DATABASE)
        for table in _TABLES:
            cursor.execute(f"{table} ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE={COLLATION}")
        # The lines are more than everything else together, so that two sessions share the work evenly.
        *others, lines = _content(rows)
        loaded = _Counter(on_rows)
        with ThreadPoolExecutor(1) as pool:
            beside = pool.submit(_load, connect, [lines], loaded)
            _load(connect, others, loaded)
            beside.result()
        for program in programs:
            cursor.execute(program)


class _Counter:
    """Adds up what several sessions have loaded."""

    def __init__(self, on_rows: Callable[[int], None]) -> None:
        self._lock = threading.Lock()
        self._on_rows = on_rows
        self._total = 0

    def add(self, rows: int) -> None:
        with self._lock:
            self._total += rows
            self._on_rows(self._total)


@contextmanager
def _session(connect: Callable[[], Connection]) -> Iterator[Connection]:
    session = connect()
    try:
        yield session
    finally:
        session.close()


def _load(connect: Callable[[], Connection], tables: Iterable[_Table], loaded: _Counter) -> None:
    with _session(connect) as session, session.cursor() as cursor:
        session.select_db(DATABASE)
        # The content refers to nothing that is not loaded too, but the sessions do not wait for each other.
        cursor.execute("SET SESSION foreign_key_checks = 0, unique_checks = 0")
        for table in tables:
            iterator = iter(table.rows)
            marks = ", ".join(["%s"] * len(table.columns))
            statement = f"INSERT INTO {table.name} ({', '.join(table.columns)}) VALUES ({marks})"
            session.begin()
            while batch := list(islice(iterator, _BATCH)):
                cursor.executemany(statement, batch)
                loaded.add(len(batch))
            session.commit()


def sizes(rows: int) -> tuple[int, int, int]:
    """How many customers, products and orders there are among `rows` rows; the rest are order lines."""
    return max(rows // 10, 8), max(rows // 40, 8), max(rows // 4, 8)


def _content(rows: int) -> tuple[_Table, ...]:
    """Parents before children; each table draws from a sequence of its own, so that any order gives the same."""
    customers, products, orders = sizes(rows)
    lines = max(rows - customers - products - orders, orders)
    prices = [f"{price / 10_000:.4f}" for price in _chance("prices").choices(range(100, 10**7), k=products)]
    totals, details = _lines(orders, lines, prices)
    return (
        _Table("customers", ("email", "name", "city", "born", "credit", "note", "created"), _customers(customers)),
        _Table("products", ("sku", "title", "price", "weight", "picture"), _products(prices)),
        _Table("orders", ("customer_id", "state", "placed", "total", "remark"), _orders(customers, totals)),
        _Table("order_lines", ("order_id", "line", "product_id", "quantity", "price"), details),
    )


def _chance(table: str) -> random.Random:
    return random.Random(f"{_SEED} {table}")  # noqa: S311


def _customers(count: int) -> Iterable[tuple[Any, ...]]:
    chance = _chance("customers")
    for number in range(count):
        born = datetime.date(1940, 1, 1) + datetime.timedelta(days=chance.randrange(25_000))
        note = None if number % 5 == 0 else f"“{chance.choice(_CITIES)}” — {chance.getrandbits(64):016x}"
        created = _EPOCH - datetime.timedelta(seconds=chance.randrange(10**8))
        yield (
            f"customer{number}@example.org",
            f"{_NAMES[number % len(_NAMES)]} {number}",
            chance.choice(_CITIES),
            born,
            f"{chance.randrange(10**6) / 100:.2f}",
            note,
            created,
        )


def _products(prices: Sequence[str]) -> Iterable[tuple[Any, ...]]:
    chance = _chance("products")
    for number, price in enumerate(prices):
        weight = None if number % 7 == 0 else chance.random() * 50
        yield f"SKU{number:07d}", f"Product {number} ✓", price, weight, chance.randbytes(chance.randrange(200))


def _lines(orders: int, lines: int, prices: Sequence[str]) -> tuple[list[int], list[tuple[Any, ...]]]:
    """Order totals in ten-thousandths, and the lines they are made of."""
    chance = _chance("order_lines")
    totals = [0] * orders
    details: list[tuple[Any, ...]] = []
    for number in range(lines):
        order, line = number % orders, number // orders + 1
        product, quantity = chance.randrange(len(prices)), chance.randint(1, 9)
        totals[order] += quantity * int(prices[product].replace(".", ""))
        details.append((order + 1, line, product + 1, quantity, prices[product]))
    return totals, details


def _orders(customers: int, totals: Sequence[int]) -> Iterable[tuple[Any, ...]]:
    chance = _chance("orders")
    for number, total in enumerate(totals):
        placed = _EPOCH + datetime.timedelta(milliseconds=number * 977)
        remark = f"déposé à {chance.choice(_CITIES)}" if number % 3 == 0 else None
        amount = f"{total // 10_000}.{total % 10_000:04d}"
        yield chance.randrange(customers) + 1, chance.choice(_STATES), placed, amount, remark
