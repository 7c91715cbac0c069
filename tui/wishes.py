"""What an operator may choose on the command line for a migration, read and checked before anything begins."""

from __future__ import annotations

from collections.abc import Sequence

from migration.model import BridgeSpec, HookSpec, Positioning, Proof, Wishes

_FENCES = ("auto", "read_only", "accounts", "operator")
_ARMED = ("auto", "on", "off")
_PROOFS = tuple(one.value for one in Proof)
_POSITIONINGS = tuple(one.value for one in Positioning)


class BadWish(Exception):
    """Something cannot be chosen; one sentence with what can."""


def read_wishes(
    positioning: str,
    fence: str,
    armed: str,
    spared: Sequence[str],
    bridge: str,
    hooks: tuple[HookSpec, ...],
    proof: str,
    people: int = 1,
) -> Wishes:
    """What was chosen.

    Args:
        positioning: see `Positioning`.
        fence: see `MigrationSpec.fence`.
        armed: see `MigrationSpec.armed`.
        spared: users that the accounts fence leaves alone.
        bridge: `HOST` or `HOST:PORT` where the bridge of the way back listens on this machine; empty for none.
        hooks: as they were read already.
        proof: see `Proof`.
        people: see `MigrationSpec.people`.

    Raises:
        BadWish: one of them is no choice.
    """
    for word, what, known in (
        (positioning, "positioning", _POSITIONINGS),
        (fence, "fence", _FENCES),
        (armed, "value of --armed", _ARMED),
        (proof, "value of --proof", _PROOFS),
    ):
        if word not in known:
            raise BadWish(f"{word!r} is no {what}; use {', '.join(known[:-1])} or {known[-1]}.")
    if armed == "on" and proof == Proof.REQUIRED:
        raise BadWish(
            "A target that opens by itself leaves no time to prove the rows equal; choose --proof advised or off with "
            "--armed on."
        )
    return Wishes(Positioning(positioning), fence, tuple(spared), armed, _bridge(bridge), hooks, Proof(proof), people)


def _bridge(text: str) -> BridgeSpec | None:
    if not text:
        return None
    host, colon, port = text.rpartition(":") if text.count(":") == 1 else (text, "", "0")
    if (colon and not (port.isdigit() and int(port) < 1 << 16)) or not host:
        raise BadWish(f"{text!r} is no place for the bridge; give HOST or HOST:PORT of this machine.")
    return BridgeSpec(host, int(port))
