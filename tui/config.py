"""The operator's own files: `keys.toml` and `profiles.toml` in the configuration directory. They hold no secrets."""

from __future__ import annotations

import os
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import platformdirs

KEYS_FILE, PROFILES_FILE = "keys.toml", "profiles.toml"
_TABLE = re.compile(r"\s*\[\s*(?P<name>[^\[\]]+?)\s*\]\s*(#.*)?$")
_KEY = re.compile(r"\s*(?P<name>[A-Za-z0-9_-]+|\"[^\"]*\"|'[^']*')\s*[=.]")
_AT = re.compile(r"\s*\(at (?:line (?P<line>\d+), column \d+|end of document)\)$")


class BadConfig(Exception):
    """A file of the operator's cannot be used; one sentence with the file, the line and what is wrong."""


def config_dir() -> Path:
    """Where the operator's files are: `CUTOVER_CONFIG`, or the user's configuration directory."""
    override = os.environ.get("CUTOVER_CONFIG")
    return Path(override) if override else platformdirs.user_config_path("mysql-cutover")


@dataclass(frozen=True)
class ConfigFile:
    """A TOML file and what it says. `values` is empty where there is no such file."""

    path: Path
    text: str
    values: dict[str, Any]

    def bad(self, why: str, key: str, table: str = "") -> BadConfig:
        """What is wrong with a key, for an error."""
        return BadConfig(f"{self.path}, line {self.line(key, table)}: {why}")

    def line(self, key: str, table: str = "") -> int:
        """The line of a key (of a table, if given), from 1; of the table where the key has none of its own."""
        within, found = "", 1
        for number, line in enumerate(self.text.splitlines(), 1):
            if opened := _TABLE.match(line):
                within = _bare(opened["name"])
                found = number if within == table else found
            elif within == table and (named := _KEY.match(line)) and _bare(named["name"]) == key:
                return number
        return found


def read(name: str) -> ConfigFile:
    """Read a file of the configuration directory.

    Raises:
        BadConfig: it is no TOML, or cannot be read.
    """
    path = config_dir() / name
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ConfigFile(path, "", {})
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise BadConfig(f"{path} cannot be read ({why}).") from error
    try:
        return ConfigFile(path, text, tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        said = str(error)
        at = _AT.search(said)
        line = at["line"] if at and at["line"] else len(text.splitlines())
        why = _AT.sub("", said).rstrip(".")
        raise BadConfig(f"{path}, line {line}: this is no TOML ({why[:1].lower()}{why[1:]}).") from error


def _bare(name: str) -> str:
    return name.strip("\"'")
