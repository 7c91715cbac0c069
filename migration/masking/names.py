"""The book of names of one migration: each has one alias, and keeps it.

An alias is a kind and a number in the order in which the journal first tells of the names: `host-1`, `user-2`,
`db-1.table-3`. The book is made from the journal alone, which only ever grows, so that every reader of it, a screen, a
colleague's screen, the report, gives a name the same alias. Nothing of the book is written anywhere.
"""

from __future__ import annotations

import ipaddress
import itertools
import re
from collections import Counter
from collections.abc import Iterator
from enum import StrEnum

from migration.masking.words import OWN_WORDS

HIDDEN = "…"
_DISTINCT = 4
"""A name of so many characters that is part of none of our words is masked inside of longer words as well."""
_REMEMBERED = 20_000

_ALIAS = re.compile(r"(?:host|user|db|table|name|id)-\d+")
_SYSTEM = frozenset(("mysql", "information_schema", "performance_schema", "sys"))
_OPEN_TO_ALL = frozenset(("%", "localhost", "127.0.0.1", "::1", "0.0.0.0", "::", ""))  # noqa: S104 - no address of anybody
_FILES = frozenset(("db", "md", "json", "html", "log", "xml", "pem", "toml", "cnf", "py", "sock"))
_CLASSES = ("db.", "polar.", "rds.", "mysql.n", "mysql.x")
"""Beginnings of what providers call the sizes of their servers."""
_NO_NAME = re.compile(r"[\d.,:;%/+\-\s]*[a-zA-Z]?")

_PATTERNS = re.compile(
    r"""
      (?P<command>`cutover[ ][^`]*`)
    | (?P<account>(?P<q1>['"`])[^'"`\n]*(?P=q1)@(?P<q2>['"`])[^'"`\n]*(?P=q2) | (?<![\w@.$-])[\w.$+-]+@[\w%][\w.%$-]*)
    | (?P<ticks>`(?:[^`]|``)+`(?:\.`(?:[^`]|``)+`)*)
    | (?P<quoted>(?<!\w)'[^'\n]+'(?!\w) | (?<!\w)"[^"\n]+"(?!\w))
    | (?P<uuid>\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b)
    | (?P<url>\b[a-z][a-z0-9+]*://[^\s'"`,;)]+)
    | (?P<path>(?<![\w/.<])(?:~?(?:/[\w.@+%-]+){2,}/? | [.\w+%-]*[a-zA-Z][.\w+%-]*(?:/[\w.@+%-]+){2,}))
    | (?P<v4>(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.]*\d))
    | (?P<v6>(?<![\w:.])[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){2,7}(?![\w:]))
    | (?P<binlog>(?<![\w.-])[\w-][\w.-]*\.\d{6,}\b)
    | (?P<dotted>(?<![\w.$@/-])[^\W\d][\w$-]*(?:\.[\w$-]+)+(?![\w$(]))
    """,
    re.VERBOSE,
)
_IN_SQL = re.compile(r"(?:`(?:[^`]|``)+`\.)?`(?:[^`]|``)+`|(['\"`])[^'\"`\n]*\1@(['\"`])[^'\"`\n]*\2")
_BEGINNING = re.compile(r"(?:(?P<server>[^\s:`'\"]+): )?(?P<words>[A-Z]{2,}(?:[ ][A-Z]{2,})*)(?![\w$])")
_SETTING = re.compile(r" [a-z_0-9]+(?= =|$)")


class NameKind(StrEnum):
    """What a name is the name of; the word its alias begins with."""

    HOST = "host"
    USER = "user"
    DATABASE = "db"
    TABLE = "table"
    ID = "id"
    OTHER = "name"


def is_own_word(name: str) -> bool:
    """Whether a name is a word of every screen, a number, a single letter, or looks like an alias."""
    folded = name.casefold()
    return folded in OWN_WORDS or _NO_NAME.fullmatch(name) is not None or _ALIAS.fullmatch(folded) is not None


def _unticked(text: str) -> str:
    return text[1:-1].replace("``", "`")


class Names:
    """The names that are known so far, and text without them."""

    def __init__(self) -> None:
        self._aliases: dict[str, str] = {}
        self._real: dict[str, str] = {}
        self._numbers: Counter[str] = Counter()
        self._known: re.Pattern[str] | None = None
        self._is_new = False
        self._done: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._aliases)

    def alias(self, kind: NameKind, name: str) -> str:
        """The alias of what is known to be a name; it is learnt where it is new."""
        if name in _OPEN_TO_ALL or _ALIAS.fullmatch(name):
            return name
        key = name.casefold()
        if key not in self._aliases:
            self._numbers[kind] += 1
            made = f"{kind}-{self._numbers[kind]}"
            self._aliases[key], self._real[made] = made, name
            self._is_new = True
            self._done.clear()
        return self._aliases[key]

    def label(self, name: str) -> str:
        """The alias of what a server is called here; a word that every migration uses for one stays."""
        return name if is_own_word(name) else self.alias(NameKind.HOST, name)

    def call_migration(self, name: str, alias: str) -> None:
        """Say what the migration itself is called."""
        if self._aliases.get(name.casefold()) != alias:
            self._aliases[name.casefold()] = alias
            self._is_new = True
            self._done.clear()

    def real(self, alias: str) -> str:
        """What an alias stands for; anything else as it is."""
        return self._real.get(alias, alias)

    def address(self, text: str) -> str:
        """`host:port` with the host under its alias."""
        host, colon, port = text.rpartition(":")
        if not colon or not port.isdigit():
            host, colon, port = text, "", ""
        return f"{self.alias(NameKind.HOST, host)}{colon}{port}"

    def account(self, text: str) -> str:
        """`user@host` with both under their aliases; the host of every client stays."""
        user, at, host = text.rpartition("@")
        if not at:
            return self.alias(NameKind.USER, text)
        quote = host[:1] if host[:1] in "'\"`" else ""
        strip = quote or None
        shown = (self.alias(NameKind.USER, user.strip(strip)), self.alias(NameKind.HOST, host.strip(strip)))
        return f"{quote}{shown[0]}{quote}@{quote}{shown[1]}{quote}"

    def text(self, words: str) -> str:
        """A sentence with every name in it under its alias.

        Names are found because they are known, and by their shape: in quotes, with a dot or an @, addresses, paths,
        UUIDs. What stands in quotes and has blanks in it is somebody's data and is left out.
        """
        masked = self._done.get(words)
        while masked is None:
            before = len(self)
            masked = "".join(self._parts(words))
            if len(self) > before:
                # A name that was found at the end may stand at the beginning too, without quotes.
                masked = None
        if len(self._done) >= _REMEMBERED:
            self._done.clear()
        self._done[words] = masked
        return masked

    def statement(self, sql: str) -> str:
        """What kind of statement or call it is; everything else of it is left out."""
        begun = _BEGINNING.match(sql)
        if begun is None:
            return HIDDEN
        verbs = list(itertools.takewhile(_VERBS.__contains__, begun["words"].split()))
        if not verbs:
            return HIDDEN
        server = f"{self.label(begun['server'])}: " if begun["server"] else ""
        setting = _SETTING.match(sql, begun.end()) if verbs[0] == "SET" else None
        return f"{server}{' '.join(verbs)}{setting[0] if setting else ''} {HIDDEN}"

    def learn_from_statement(self, sql: str) -> None:
        """Learn what a statement quotes: databases, tables and accounts."""
        for found in _IN_SQL.finditer(sql):
            if found[1]:
                self.account(found[0])
            else:
                self._dotted([_unticked(part) for part in re.findall(r"`(?:[^`]|``)+`", found[0])])

    def caught(self, words: str) -> tuple[tuple[int, int, str], ...]:
        """Where a line has names that are known: first character, the one after the last, and the alias."""
        known = self._any_known()
        if known is None:
            return ()
        return tuple((hit.start(), hit.end(), self._known_alias(hit[0])) for hit in known.finditer(words))

    def _any_known(self) -> re.Pattern[str] | None:
        if self._is_new:
            # First: what another thread adds meanwhile is then seen the next time.
            self._is_new = False
            either = _any_of([name for name in tuple(self._aliases) if not is_own_word(name)])
            self._known = re.compile(either, re.IGNORECASE) if either else None
        return self._known

    def _parts(self, words: str) -> Iterator[str]:
        """The sentence in parts, those that are names replaced; of a known name and a shape the longer one counts."""
        at, known = 0, self._any_known()
        while True:
            shape = _PATTERNS.search(words, at)
            name = known.search(words, at) if known is not None else None
            if name is not None and shape is not None:
                if (name.start(), -name.end()) <= (shape.start(), -shape.end()):
                    shape = None
                else:
                    name = None
            hit = name or shape
            if hit is None:
                break
            yield words[at : hit.start()]
            yield self._known_alias(hit[0]) if name is not None else self._replaced(hit)
            at = hit.end()
        yield words[at:]

    def _known_alias(self, found: str) -> str:
        # What a pattern takes for the same letters is not always what casefold makes equal.
        return self._aliases.get(found.casefold(), HIDDEN)

    def _replaced(self, hit: re.Match[str]) -> str:
        found = hit[0]
        shape = hit.lastgroup if hit.lastgroup not in ("q1", "q2") else "account"
        if shape == "command":
            return "`" + self.text(found[1:-1]) + "`"
        if shape == "account":
            return self.account(found)
        if shape == "ticks":
            return self._ticks(found)
        if shape == "quoted":
            return f"{found[0]}{self._quoted(found[1:-1])}{found[0]}"
        return self._shaped(shape or "", found)

    def _shaped(self, shape: str, found: str) -> str:
        if shape == "uuid":
            return self.alias(NameKind.ID, found)
        if shape == "url":
            return found.partition("://")[0] + "://" + HIDDEN
        if shape == "path":
            return f"({NameKind.OTHER} of a file)"
        if shape in ("v4", "v6"):
            return self.alias(NameKind.HOST, found) if _is_address(found) else found
        if shape == "binlog":
            return "binlog." + found.rpartition(".")[2]
        return self._dotted_word(found)

    def _ticks(self, found: str) -> str:
        parts = [_unticked(part) for part in re.findall(r"`(?:[^`]|``)+`", found)]
        if len(parts) == 1:
            return f"`{self._quoted(parts[0])}`"
        return ".".join(f"`{part}`" for part in self._dotted(parts).split("."))

    def _quoted(self, inner: str) -> str:
        known = self._aliases.get(inner.casefold())
        if known is not None:
            return known
        if is_own_word(inner) or inner in _OPEN_TO_ALL:
            return inner
        if " " in inner.strip():
            return inner if all(is_own_word(word) for word in re.findall(r"\w+", inner)) else HIDDEN
        if "@" in inner:
            return self.account(inner)
        if "." in inner.strip("."):
            return self._shaped("v4", inner) if _is_address(inner) else self._dotted_word(inner)
        if re.fullmatch(r"[a-z]+(?:_[a-z0-9]+)+", inner) and inner.split("_")[0] in _SETTINGS:
            return inner
        return self.alias(NameKind.OTHER, inner)

    def _dotted_word(self, found: str) -> str:
        first, *rest = found.split(".")
        if first.casefold() in _SYSTEM or found.startswith(_CLASSES) or found in ("e.g", "i.e"):
            return found
        if rest[-1].casefold() in _FILES and len(rest) == 1 and is_own_word(first):
            return found
        if len(rest) == 1:
            return self._dotted([first, *rest])
        return self.alias(NameKind.HOST, found)

    def _dotted(self, parts: list[str]) -> str:
        """Database, table and what is inside of it, each under its alias."""
        if len(parts) == 1 or parts[0].casefold() in _SYSTEM:
            return ".".join(parts) if len(parts) > 1 else self.alias(NameKind.DATABASE, parts[0])
        kinds = (NameKind.DATABASE, NameKind.TABLE, *[NameKind.OTHER] * len(parts))
        return ".".join(self.alias(kind, part) for kind, part in zip(kinds, parts, strict=False))


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_SETTINGS = _words(
    "sql binlog gtid innodb log max character collation event server super read wait lock net time lower default "
    "slave replica master source report relay sync tx transaction optimizer query table thread skip local general "
    "explicit foreign unique utf8 utf8mb4 latin1 auto expire enforce performance secure ssl tls version mysql caching "
    "sha256 sha2 rpl wsrep key long group partial show validate temp tmp tmpdir"
)
"""What the names of server settings begin with; a name in quotes with such a beginning and a _ is taken for one."""

_VERBS = _words(
    "CREATE DROP ALTER GRANT REVOKE SET GLOBAL PERSIST START STOP RESET CHANGE REPLICATION MASTER SLAVE REPLICA SOURCE "
    "FILTER ALL TO USER TABLE DATABASE VIEW TRIGGER EVENT PROCEDURE FUNCTION FLUSH TABLES WITH READ LOCK UNLOCK INSERT "
    "INTO DELETE FROM UPDATE SELECT BINARY LOGS AND GTIDS PURGE KILL CALL TRANSACTION CONSISTENT SNAPSHOT IF NOT "
    "EXISTS PRIVILEGES REPLACE RENAME"
)
"""Of a statement's beginning, the words that are never a name."""


def _any_of(names: list[str]) -> str:
    """A pattern for any of these names, the longest first; short ones only as whole words."""
    parts = []
    for name in sorted(names, key=lambda each: (-len(each), each)):
        escaped = re.escape(name)
        # Beside a bracket there is no word that a name could be part of.
        head = r"(?<![\w$])" if not _is_distinct(name) and (name[0].isalnum() or name[0] in "_$") else ""
        tail = r"(?![\w$])" if not _is_distinct(name) and (name[-1].isalnum() or name[-1] in "_$") else ""
        parts.append(f"{head}{escaped}{tail}")
    return "|".join(parts)


def _is_distinct(name: str) -> bool:
    return (len(name) >= _DISTINCT or not name.isascii()) and not any(name in word for word in OWN_WORDS)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
