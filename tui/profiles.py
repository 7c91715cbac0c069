"""Named connection settings: `profiles.toml`, one table a profile. They hold no secrets, only where those are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tui import config
from tui.text import clean

_FILES = ("ca_file", "source_password_file", "target_password_file", "replication_password_file")
_TEXTS = (
    *("source", "target", "replication_user", "target_user", "tls", *_FILES),
    *("runbook", "environment", "region", "resource", "access"),
)
_LISTS = ("option",)
SETTINGS = (*_TEXTS, *_LISTS)
_SECRET = ("password", "passwd", "secret", "token", "key")


def names() -> tuple[str, ...]:
    """The profiles there are.

    Raises:
        config.BadConfig: the file is no TOML.
    """
    return tuple(name for name, value in config.read(config.PROFILES_FILE).values.items() if isinstance(value, dict))


def read(name: str) -> dict[str, Any]:
    """The settings of a profile, by the names of the command line's parameters.

    Raises:
        config.BadConfig: there is no such profile, or something in it is no setting; names the line.
    """
    file = config.read(config.PROFILES_FILE)
    found = file.values.get(name)
    if not isinstance(found, dict):
        there = ", ".join(clean(one) for one in names()) or "none"
        raise config.BadConfig(f"{file.path} has no profile {clean(name)}; there are: {there}.")
    return {key: _setting(file, name, key, value) for key, value in found.items()}


def _setting(file: config.ConfigFile, table: str, key: str, value: object) -> object:
    if key not in SETTINGS:
        why = f"{clean(key)} is no setting of a profile; those are {', '.join(SETTINGS)}."
        if any(word in key.lower() for word in _SECRET):
            why = "a profile holds no secrets; name a file in source_password_file, or type it when it is asked for."
        raise file.bad(why, key, table)
    if key in _LISTS:
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise file.bad(f'{key} is a list of texts, such as ["rules=2019"].', key, table)
        return value
    if not isinstance(value, str):
        raise file.bad(f"the value of {key} is written in quotes.", key, table)
    return str(Path(value).expanduser()) if key in _FILES else value
