"""Which fence a server gets."""

from __future__ import annotations

import contextlib

from migration.fences import Fence, FenceDown
from migration.fences.accounts import AccountFence, held
from migration.fences.operator import OperatorFence
from migration.fences.provider import ProviderFence
from migration.fences.read_only import ReadOnlyFence
from migration.journal import JournalError
from migration.runbook import Migration, ProviderSwitch
from providers.mysql.errors import PrivilegeMissing, StatementFailed, Unsupported
from providers.mysql.server import Server

_WRONG_VALUE = 1231


def fence_for(m: Migration, server: Server) -> Fence:
    """The fence that this migration asks for.

    With `auto`: read_only where the server lets us set it, else the provider's switch where it has one, else accounts.

    A server whose accounts this migration holds gets the fence that can let go of them, whatever it lets us do now.

    Raises:
        Unsupported: there is no fence of that name.
        ServerError: the server cannot be asked.
    """
    match m.spec.fence:
        case "read_only":
            return ReadOnlyFence(m, server)
        case "accounts":
            return _accounts(m, server)
        case "provider":
            return _provider(m, server)
        case "operator":
            return OperatorFence(m, server)
        case "auto":
            if not holds_accounts(m, server) and may_set_read_only(server):
                return ReadOnlyFence(m, server)
            if not holds_accounts(m, server) and write_switch(m, server) is not None:
                return _provider(m, server)
            return _accounts(m, server)
        case other:
            raise Unsupported(
                server.name,
                f"There is no fence {other!r} for {server.name}; use auto, read_only, accounts, provider or operator.",
            )


def may_set_read_only(server: Server) -> bool:
    """Whether the account may set read_only, found out without setting it.

    The server looks at the privilege before the value, so a value that is none is refused for the one or the other.

    Raises:
        ServerError: the server cannot be asked.
    """
    try:
        server.rows("SET GLOBAL read_only = 'no value'")
    except PrivilegeMissing:
        return False
    except StatementFailed as error:
        if error.code != _WRONG_VALUE:
            raise
    return True


def _accounts(m: Migration, server: Server) -> AccountFence:
    return AccountFence(m, server, spared=frozenset(m.spec.spared))


def write_switch(m: Migration, server: Server) -> ProviderSwitch | None:
    """What the provider of a server has to make it read-only, None where it has nothing."""
    return None if m.cloud is None else m.cloud.write_switch(server)


def _provider(m: Migration, server: Server) -> ProviderFence:
    switch = write_switch(m, server)
    if switch is None:
        raise Unsupported(
            server.name, f"{server.name} has no provider that could make it read-only; use the fence auto instead."
        )
    return ProviderFence(m, server, switch)


def close(m: Migration, server: Server, step: str) -> None:
    """Close a server at once, by whoever can: its own SQL, else its provider.

    Raises:
        ServerError: it cannot be reached or refuses.
    """
    switch = None if server.dialect.sets_globals else write_switch(m, server)
    if switch is None:
        m.change(server, step, server.dialect.fence)
        return
    m.scribe.statement(server.name, step, "the provider's switch: close", 0)
    switch.close()


def closing_words(m: Migration, server: Server) -> str:
    """What stops clients' writes on a server, for the plan: what its fence would run now.

    Raises:
        ServerError: the server cannot be asked.
    """
    with contextlib.closing(fence_for(m, server)) as fence:
        return "; ".join(fence.statements())


def shut(m: Migration, server: Server) -> bool:
    """Whether clients are kept out of a server, by read_only or by locked accounts.

    Raises:
        ServerError: the server cannot be asked.
    """
    if server.read_only().clients:
        return True
    if not holds_accounts(m, server):
        return False
    with contextlib.closing(_accounts(m, server)) as fence:
        try:
            fence.prove(())
        except FenceDown:
            return False
    return True


def let_in(m: Migration, server: Server) -> None:
    """Let go of the accounts that this migration holds on a server that takes writes from now on.

    Raises:
        ServerError: the server cannot be reached or refuses.
    """
    if holds_accounts(m, server):
        with contextlib.closing(_accounts(m, server)) as fence:
            fence.release()


def holds_accounts(m: Migration, server: Server) -> bool:
    """Whether the journal says that this migration holds accounts of the server."""
    # A journal that cannot be read must not keep a fence up.
    with contextlib.suppress(JournalError):
        return bool(held(m, server))
    return False
