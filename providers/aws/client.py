"""Sending calls: what is repeated, what never is, when a list is complete, and what became of a write."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Generic, TypeVar

from providers.aws.access import Access
from providers.aws.answer import Answer
from providers.aws.calls import Call, Write
from providers.aws.errors import (
    AlreadyExists,
    AwsError,
    CredentialsRefused,
    Failure,
    NoAnswer,
    NotSent,
    Refused,
    Unanswered,
    no_answer,
    not_sent,
    refused,
    unanswered,
)
from providers.aws.redaction import redact
from providers.aws.sdk import Transport
from providers.calling.patience import Retry, Timeouts
from providers.mysql.endpoint import Secret

T = TypeVar("T")
# Far more pages than any account has: a server that never ends its list is at fault.
_MOST_PAGES = 500
_SETTLE_S = 20.0
_READ_S = 20.0
_LOOK_S = 1.0


class Landed(StrEnum):
    """What became of a write."""

    DONE = "done"
    NOT_DONE = "not done"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Outcome(Generic[T]):
    """What became of a write.

    Attributes:
        result: what the answer said, None where there was none.
        error: what went wrong on the way; None where nothing did.
    """

    landed: Landed
    result: T | None = None
    error: AwsError | None = None


class Client:
    """Calls the services of one region with one source of credentials.

    Safe to be used by several threads. What a method raises is an `AwsError`: for a read `NoAnswer` or `Refused`, for
    a write `Unanswered`, `NotSent` or `Refused`, and `CredentialsMissing` or `BadEndpoint`.
    """

    def __init__(
        self,
        access: Access,
        retry: Retry | None = None,
        timeouts: Timeouts | None = None,
        settle_s: float = _SETTLE_S,
    ) -> None:
        self._access = access
        self._retry = retry or Retry()
        self._timeouts = timeouts or Timeouts(read_s=_READ_S)
        self._settle_s = settle_s
        self._lock = threading.Lock()
        self._transport: Transport | None = None

    @property
    def region(self) -> str:
        """The region that is called."""
        return self._session().region

    def read(self, call: Call) -> Answer:
        """Ask, and ask again while there is no usable answer or too many calls are made."""
        outcome = self._retry.until(lambda: self._attempt(call), lambda failure: failure.passing)
        if isinstance(outcome, Answer):
            return outcome
        raise refused(call, outcome) if outcome.settled else no_answer(call, outcome, self._retry.attempts)

    def pages(self, call: Call, name: str) -> tuple[Answer, ...]:
        """Ask for all pages of the list of this name: the entries of all of them."""
        found: list[Answer] = []
        marker: str | None = None
        for _ in range(_MOST_PAGES):
            turn = (("Marker", marker),) if marker else ()
            answer = self.read(replace(call, parameters=(*call.parameters, *turn)))
            page = answer.parts(name)
            if page is None:
                raise no_answer(call, Failure(f"The answer has no {name}"), 1)
            found += page
            following = answer.text("Marker")
            if not following:
                return tuple(found)
            if following == marker:
                break
            marker = following
        raise no_answer(call, Failure(f"The list of {name} never ends"), 1)

    def send(self, write: Write[T]) -> T:
        """Carry a write out, which is sent again only where AWS said that it was too many calls."""
        call = write.call
        outcome = self._retry.until(lambda: self._attempt(call), lambda failure: failure.throttled)
        if isinstance(outcome, Answer):
            return write.parse(outcome)
        if outcome.settled:
            raise refused(call, outcome)
        raise not_sent(call, outcome) if not outcome.sent else unanswered(call, outcome)

    def carry_out(self, write: Write[T]) -> Outcome[T]:
        """Carry a write out, and where it is unknown whether it was, look.

        It is not done only if that was refused, could not be sent, or is not seen for a while after it was sent:
        an answer that was lost may belong to a call that takes effect later.
        """
        try:
            return Outcome(Landed.DONE, self.send(write))
        except AlreadyExists as error:
            # Of this name there is something: that it is what was wanted has to be seen.
            return Outcome(Landed.DONE if self._seen(write) else Landed.NOT_DONE, None, error)
        except (Refused, NotSent) as error:
            return Outcome(Landed.NOT_DONE, None, error)
        except Unanswered as error:
            return Outcome(self._settled(write), None, error)

    def login_token(self, host: str, port: int, user: str) -> Secret:
        """What `user` can log in to an instance with in place of a password; see `tokens.login`."""
        return Secret(self._session().token(host, port, user))

    def close(self) -> None:
        """Close the connections that are kept open."""
        with self._lock:
            transport, self._transport = self._transport, None
        if transport is not None:
            transport.close()

    def _settled(self, write: Write[T]) -> Landed:
        deadline = time.monotonic() + self._settle_s
        while True:
            seen = self._seen(write)
            if seen:
                return Landed.DONE
            left = deadline - time.monotonic()
            if left <= 0:
                return Landed.UNKNOWN if seen is None else Landed.NOT_DONE
            time.sleep(min(_LOOK_S, left))

    def _seen(self, write: Write[T]) -> bool | None:
        try:
            return write.look(self)
        except (NoAnswer, Refused):
            return None

    def _attempt(self, call: Call) -> Answer | Failure:
        transport = self._session()
        sent = transport.send(call.action, dict(call.parameters))
        if not isinstance(sent, Failure):
            return Answer(sent)
        secrets = transport.secrets
        failure = sent.redacted(lambda text: redact(text, secrets))
        if failure.settled and isinstance(refused(call, failure), CredentialsRefused):
            # Whoever renews them does so in a file or in the environment, which is read when a session begins.
            self.close()
        return failure

    def _session(self) -> Transport:
        with self._lock:
            if self._transport is None:
                self._transport = Transport(self._access, self._timeouts)
            return self._transport
