"""How an attempt at a call ends without an answer, and the exception that is made of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self

STATUS_PAGE = "the provider's status page"


@dataclass(frozen=True)
class Failure:
    """How one attempt ended without a usable answer.

    Attributes:
        words: what was said, by the provider, by its SDK or by the network.
        code: the provider's code; empty where it gave none, or nothing that can be read.
        http_status: None where no answer came.
        request_id: what the provider's support asks for.
        again_s: the seconds after which the provider wants to be asked again, if it said so.
    """

    words: str
    code: str = ""
    http_status: int | None = None
    request_id: str | None = None
    again_s: float | None = None

    @property
    def throttled(self) -> bool:
        """Turned away because too many calls were made: it was not carried out."""
        return self.http_status == 429

    @property
    def settled(self) -> bool:
        """Whether the provider said, in a way that can be understood, that it did not carry the call out."""
        return self.throttled or self._understood()

    @property
    def passing(self) -> bool:
        """Whether the same call may be answered later."""
        return self.throttled or not self.settled

    def redacted(self, redact: Callable[[str], str]) -> Self:
        """The same with `redact` applied to everything that came from outside."""
        return replace(
            self,
            words=redact(self.words).strip(" .") or "no words",
            code=redact(self.code),
            request_id=redact(self.request_id) if self.request_id else None,
        )

    def _understood(self) -> bool:
        """Whether it is a refusal in the provider's own words; each cloud has its own."""
        raise NotImplementedError

    def __str__(self) -> str:
        named = (self.code, f"HTTP {self.http_status}" if self.http_status else "")
        ids = (f"request {self.request_id}" if self.request_id else "",)
        signs = ", ".join(sign for sign in (*named, *ids) if sign)
        return f"{self.words} ({signs})" if signs else self.words


class CallFailed(Exception):
    """Base of what the clients of all clouds raise.

    Attributes:
        code: the provider's own code, empty if it gave none.
        message: its own words, or those of the network.
        http_status: the answer's; None if no answer came.
        request_id: the provider's name for the request, if it gave one.
    """

    def __init__(self, sentence: str, failure: Failure | None = None) -> None:
        super().__init__(sentence)
        self.code = failure.code if failure else ""
        self.message = failure.words if failure else ""
        self.http_status = failure.http_status if failure else None
        self.request_id = failure.request_id if failure else None


def no_answer(asked: str, call: str, failure: Failure, attempts: int, status_page: str = STATUS_PAGE) -> str:
    """The sentence on a read that failed every time; `asked` is the service, `call` the action and what it is about."""
    return (
        f"{asked} gave no usable answer to {call}, asked {attempts} times: {failure}. Check the network and "
        f"{status_page}, then try again."
    )


def unanswered(asked: str, call: str, failure: Failure, later: Failure | None = None) -> str:
    """The sentence on a write of unknown outcome; `later` is what a repetition of it was refused with."""
    refused = f" Sent again, it was refused: {later}." if later else ""
    return (
        f"Whether {asked} carried out {call} is unknown: {failure}.{refused} Read its state back before sending it "
        "again."
    )
