"""Writes as command lines of the provider's own program, so that an operator can read, keep and repeat them."""

from __future__ import annotations

import shlex
from typing import TypeVar

from providers.aliyun.actions import ACTIONS
from providers.aliyun.calls import Call, Write, nothing
from providers.mysql.endpoint import Secret

T = TypeVar("T")
_PROGRAM = "aliyun"
_PRODUCTS = {product.lower(): product for product, _ in ACTIONS}


def as_command(write: Write[T]) -> str:
    """A write as a command of the aliyun CLI; secrets are left out.

    Source: Alibaba Cloud CLI, "Call an RPC API operation".
    """
    action = write.call.action
    words = [_PROGRAM, action.product.name.lower(), action.name]
    for name, value in write.call.parameters:
        words += [f"--{name}", "<secret>" if isinstance(value, Secret) else value]
    return shlex.join(words)


def from_command(text: str) -> Write[None]:
    """The reverse of `as_command`.

    Raises:
        ValueError: that is no command of this program's.
    """
    program, product, action, *options = shlex.split(text)
    known = (_PRODUCTS.get(product, ""), action)
    if program != _PROGRAM or known not in ACTIONS or len(options) % 2:
        raise ValueError(f"{text!r} is no call to Alibaba Cloud that can be made")
    pairs = zip(options[::2], options[1::2], strict=True)
    parameters = tuple((name.removeprefix("--"), value) for name, value in pairs)
    return Write(Call(ACTIONS[known], action, parameters), nothing)
