"""A value made of frozen dataclasses, such as a `MigrationView`, with every name in it under its alias.

Text is masked unless its field is listed here as the program's own; what a field is known to hold is masked whole. So
a field that is added later is masked as a sentence before anybody has thought of it.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar, cast

from migration.check import Finding, Fix, Result
from migration.masking.names import HIDDEN, NameKind, Names, is_own_word
from migration.model import CloudSpec, HookSpec, MigrationSpec, ServerSpec
from migration.view import (
    AttemptView,
    ClientView,
    FixView,
    GateView,
    Guide,
    LagSample,
    LogLine,
    MigrationView,
    Option,
    Plan,
    PlanItem,
    ProgressView,
    SeatChange,
    SeatView,
    ServerView,
    SwitchStep,
    WaiverView,
)

_T = TypeVar("_T")
Masked = Callable[[Names, Any], Any]

# Words of the program itself, which decisions, screens and readers of JSON depend on.
_OWN: dict[type, frozenset[str]] = {
    MigrationSpec: frozenset(("runbook", "fence", "armed")),
    ServerSpec: frozenset(("tls",)),
    CloudSpec: frozenset(("region",)),
    Finding: frozenset(("check",)),
    PlanItem: frozenset(("id", "kind")),
    Guide: frozenset(("undo", "mistakes")),
    Plan: frozenset(("hash", "positioning")),
    SeatView: frozenset(("terminal", "offered_to")),
    GateView: frozenset(("id", "choices")),
    # What can be chosen is the provider's word for a size or a kind, and comes back in the decision.
    Option: frozenset(("value",)),
    LagSample: frozenset(("method", "unit")),
    ProgressView: frozenset(("step", "unit")),
    SwitchStep: frozenset(("id",)),
    AttemptView: frozenset(("result",)),
    WaiverView: frozenset(("check",)),
    FixView: frozenset(("check",)),
    LogLine: frozenset(("level",)),
    MigrationView: frozenset(("positioning",)),
}


def _label(names: Names, value: str) -> str:
    return names.label(value)


def _host(names: Names, value: str) -> str:
    return names.alias(NameKind.HOST, value)


def _user(names: Names, value: str) -> str:
    return names.alias(NameKind.USER, value)


def _id(names: Names, value: str) -> str:
    return names.alias(NameKind.ID, value)


def _address(names: Names, value: str) -> str:
    return names.address(value)


def _account(names: Names, value: str) -> str:
    if "@" in value or not all(is_own_word(word) for word in value.split()):
        return names.account(value)
    return value


def _statements(names: Names, value: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names.statement(one) for one in value))


def _statement(names: Names, value: str) -> str:
    return names.statement(value) if value else value


def _databases(names: Names, value: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(names.alias(NameKind.DATABASE, one) for one in value)


def _users(names: Names, value: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(names.alias(NameKind.USER, one) for one in value)


def _hidden(names: Names, value: object) -> str | None:
    return HIDDEN if value else None


def _hidden_words(names: Names, value: object) -> tuple[str, ...]:
    return (HIDDEN,)


def _hidden_text(names: Names, value: str) -> str:
    return HIDDEN if value else ""


def _options(names: Names, value: Mapping[str, str]) -> dict[str, str]:
    return {key: _cell(names, one) for key, one in value.items()}


def _cell(names: Names, cell: str) -> str:
    """A cell of which nobody knows what it holds: a name, unless it is a word of ours or more than one word."""
    masked = names.text(cell)
    if masked != cell or is_own_word(cell) or not cell.strip():
        return masked
    return masked if " " in cell.strip() else names.alias(NameKind.OTHER, cell)


# Heads of columns of evidence, and what stands below.
_HEADS: dict[str, Callable[[Names, str], str]] = {
    **dict.fromkeys(("database", "databases", "schema", "in"), lambda n, v: _list(n, NameKind.DATABASE, v)),
    **dict.fromkeys(("table", "tables", "the parent"), lambda n, v: _list(n, NameKind.TABLE, v)),
    **dict.fromkeys(("user", "account", "definer", "master user", "role"), lambda n, v: _list(n, NameKind.USER, v)),
    **dict.fromkeys(
        ("host", "from", "may log in from", "server", "reached at", "replica", "the other server is known as"),
        lambda n, v: _list(n, NameKind.HOST, v),
    ),
}
_SENTENCES = frozenset(
    "side,setting,variable,value,status,version,minor version,at least,kind,size,engine,rows,seconds,sessions,format,"
    "reason,collation,type,mode,state,tier,region,what,is,has to be,found,source,target,why,note,so,becomes,error,"
    "what it said,what the server said,the provider said,the server's words,needed to,workers,takes,number,lock,"
    "reserved since,used as,rows, estimated,server_id,port,listens on port,what is refused,on delete,on update,"
    "provider's code,what it means,an application notices,what an application notices,in force,group,entry,"
    "setting on the target,setting on the source,value on the source,persisted setting,how far,what it says,"
    "MigrationStatus,ExpiredTime,PayType,used here,filter,what is known,service,further replicas,calls,use instead,"
    "character set,default,gone from,on the target,on the source,kept,receiver,applier,innodb_page_size,sql_mode,"
    "max_allowed_packet".replace("rows, estimated", "rows_estimated").split(",")
) | {"rows, estimated"}


def _list(names: Names, kind: NameKind, cell: str) -> str:
    """A cell of names of one kind, some of them with a dot or an @, parted by commas."""
    return ", ".join(_one(names, kind, part) for part in cell.split(", "))


def _one(names: Names, kind: NameKind, name: str) -> str:
    if not name or (name.isdigit() and kind is not NameKind.DATABASE):
        return name
    if kind in (NameKind.DATABASE, NameKind.TABLE) and "." in name.strip("."):
        base, _, rest = name.partition(".")
        return f"{names.alias(NameKind.DATABASE, base)}.{names.alias(NameKind.TABLE, rest)}"
    if kind is NameKind.HOST:
        return names.address(name) if not is_own_word(name) else name
    if kind is NameKind.USER:
        return names.account(name)
    return names.alias(kind, name)


def _evidence(names: Names, rows: tuple[tuple[str, ...], ...]) -> tuple[tuple[str, ...], ...]:
    if not rows:
        return rows
    heads = rows[0]
    return (tuple(names.text(head) for head in heads), *(_row(names, heads, row) for row in rows[1:]))


def _row(names: Names, heads: tuple[str, ...], row: tuple[str, ...]) -> tuple[str, ...]:
    cells = []
    for number, cell in enumerate(row):
        head = heads[number] if number < len(heads) else ""
        if head in _HEADS:
            cells.append(_HEADS[head](names, cell))
        else:
            cells.append(names.text(cell) if head in _SENTENCES else _cell(names, cell))
    return tuple(cells)


_WHOLE: dict[tuple[type, str], Masked] = {
    (MigrationSpec, "databases"): _databases,
    (MigrationSpec, "spared"): _users,
    (MigrationSpec, "sandbox"): _hidden,
    (MigrationSpec, "environment"): lambda names, value: value,
    (ServerSpec, "name"): _label,
    (ServerSpec, "host"): _host,
    (ServerSpec, "user"): _user,
    (ServerSpec, "replication_user"): _user,
    (ServerSpec, "ca_file"): _hidden,
    (CloudSpec, "resource"): _id,
    (CloudSpec, "access"): _hidden_text,
    (CloudSpec, "endpoint"): _hidden_text,
    (CloudSpec, "options"): _options,
    (HookSpec, "where"): _hidden_words,
    (ServerView, "name"): _label,
    (ServerView, "address"): _address,
    (ServerView, "identity"): _id,
    (MigrationView, "primary"): _label,
    (GateView, "word"): _label,
    (AttemptView, "old"): _label,
    (AttemptView, "new"): _label,
    (AttemptView, "actor"): _account,
    (WaiverView, "actor"): _account,
    (SeatView, "who"): _account,
    (SeatView, "offered_who"): _account,
    (SeatChange, "who"): _account,
    (ClientView, "user"): _user,
    (ClientView, "host"): _host,
    (PlanItem, "statements"): _statements,
    (Fix, "statement"): _statement,
    (Fix, "undo"): _statement,
    (Fix, "session"): _statements,
    (Result, "evidence"): _evidence,
}


def migration_alias(created_at: float) -> str:
    """What a migration is called on a shared screen: by the time at which it was made, in seconds since 1970."""
    return f"migration-{datetime.fromtimestamp(created_at, UTC):%m%d-%H%M%S}"


def masked(value: _T, names: Names) -> _T:
    """A value with the names in it replaced; what holds none is the same object as before."""
    return cast(_T, _walk(value, names))


def masked_view(view: MigrationView, names: Names) -> MigrationView:
    """A migration as a shared screen shows it, its own name included."""
    alias = migration_alias(view.created_at)
    names.call_migration(view.spec.id, alias)
    found = masked(view, names)
    return dataclasses.replace(found, spec=dataclasses.replace(found.spec, id=alias))


def _walk(value: Any, names: Names) -> Any:
    if isinstance(value, enum.Enum) or value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return names.text(value)
    if isinstance(value, tuple | list):
        found = [_walk(one, names) for one in value]
        return value if all(a is b for a, b in zip(found, value, strict=True)) else type(value)(found)
    if isinstance(value, Mapping):
        return {key: _walk(one, names) for key, one in value.items()}
    return _walk_fields(value, names) if dataclasses.is_dataclass(value) and not isinstance(value, type) else value


def _walk_fields(value: Any, names: Names) -> Any:
    kind, changed = type(value), {}
    own = _OWN.get(kind, frozenset())
    for field in dataclasses.fields(value):
        if field.name in own:
            continue
        was = getattr(value, field.name)
        whole = _WHOLE.get((kind, field.name))
        now = _walk(was, names) if whole is None or was is None else whole(names, was)
        if now is not was and now != was:
            changed[field.name] = now
    return dataclasses.replace(value, **changed) if changed else value
