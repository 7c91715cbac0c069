"""Sending calls: what is repeated, what never is, and following what takes long."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from providers.azure import answering, operations
from providers.azure.actions import ACTIONS
from providers.azure.calls import Call, Goal, Write
from providers.azure.clouds import Cloud
from providers.azure.credentials import Credential
from providers.azure.errors import (
    AzureError,
    BadEndpoint,
    CredentialsMissing,
    Failure,
    NotFound,
    no_answer,
    refused,
    unanswered,
)
from providers.azure.operations import Continuation, Outcome, Progress
from providers.azure.redaction import redact
from providers.azure.sdk import Lost, Sent, Transport
from providers.calling.answer import Answer
from providers.calling.patience import Retry, Timeouts

T = TypeVar("T")
_PARENTS = ("ParentResourceNotFound", "ResourceGroupNotFound", "SubscriptionNotFound")
_ADDRESSES = ("azure-asyncoperation", "location")


class Client:
    """Asks one cloud with one credential.

    Safe to be used by several threads. What a method raises is an `AzureError`: for a read `NoAnswer` or `Refused`,
    for a write `Unanswered` or `Refused`, and `CredentialsMissing`.
    """

    def __init__(
        self,
        cloud: Cloud,
        credential: Credential,
        retry: Retry | None = None,
        timeouts: Timeouts | None = None,
    ) -> None:
        """Prepare; nothing is sent.

        Raises:
            BadEndpoint: the credential is not one for that cloud.
        """
        self.cloud = cloud
        self._retry = retry or Retry()
        self._transport = Transport(cloud, credential, timeouts or Timeouts())

    def read(self, call: Call) -> Answer:
        """Ask, and ask again while there is no usable answer or too many calls are made."""
        return self._pages(call)[-1]

    def items(self, call: Call) -> tuple[Answer, ...]:
        """Ask for a list, page after page: the entries of all of them."""
        found: list[Answer] = []
        for page in self._pages(call):
            entries = page.parts("value")
            if entries is None:
                raise no_answer(call, Failure("The answer has no list value", http_status=200), 1)
            found += entries
        return tuple(found)

    def begin(self, write: Write[T]) -> Running[T]:
        """Carry a write out: it is sent once. What takes longer is followed with what is given back."""
        call = write.call
        sent = self._transport.send(call)
        if isinstance(sent, Lost):
            if sent.credential:
                raise _no_token(self.cloud, sent)
            raise unanswered(call, _shown(call, answering.lost(sent)))
        outcome = answering.read(sent[-1])
        if isinstance(outcome, Failure):
            failure = _shown(call, outcome)
            raise refused(call, failure) if failure.settled else unanswered(call, failure)
        url = _address(sent[-1])
        kept = operations.accepted(operations.intended(write), url)
        return Running(self, kept, write.parse(outcome), url)

    def resume(self, kept: Continuation) -> Running[None]:
        """Follow a write of an earlier run by what its resource shows. Nothing is sent but reads."""
        return Running(self, kept, None, None)

    def look(self, goal: Goal) -> Progress:
        """What the resource shows of a goal now."""
        try:
            answer = self.read(Call(ACTIONS[goal.product, goal.reading], "it", goal.path))
        except NotFound as error:
            # Without what it belongs to it is not known to be gone, only to be looked for in the wrong place.
            if error.code in _PARENTS:
                raise
            return operations.shown(goal, None)
        return operations.shown(goal, answer)

    def close(self) -> None:
        """Close the connections that are kept open."""
        self._transport.close()

    def status(self, url: str) -> Progress | None:
        """What an operation's own address says; None: it is there no more."""
        try:
            sent = self._transport.follow(url)
        except BadEndpoint:
            return None
        if isinstance(sent, Lost):
            return Progress(Outcome.UNKNOWN, redact(sent.words))
        outcome = answering.read(sent[-1])
        if isinstance(outcome, Failure):
            gone = outcome.settled and not outcome.throttled
            return None if gone else Progress(Outcome.UNKNOWN, redact(str(outcome)))
        if outcome.text("status") is None:
            # The address of the result rather than of the operation: 202 as long as there is none.
            return Progress(Outcome.UNDER_WAY if sent[-1].status == 202 else Outcome.DONE, "", final=True)
        found = operations.told(outcome)
        return replace(found, words=redact(found.words), code=redact(found.code))

    def _pages(self, call: Call) -> tuple[Answer, ...]:
        outcome = self._retry.until(lambda: self._attempt(call), lambda failure: failure.passing)
        if not isinstance(outcome, Failure):
            return outcome
        failure = _shown(call, outcome)
        raise refused(call, failure) if failure.settled else no_answer(call, failure, self._retry.attempts)

    def _attempt(self, call: Call) -> tuple[Answer, ...] | Failure:
        sent = self._transport.send(call)
        if isinstance(sent, Lost):
            if sent.credential:
                raise _no_token(self.cloud, sent)
            return answering.lost(sent)
        pages: list[Answer] = []
        for one in sent:
            outcome = answering.read(one)
            if isinstance(outcome, Failure):
                return outcome
            pages.append(outcome)
        if pages[-1].text("nextLink"):
            return Failure(f"The list ended after {len(pages)} pages and is not complete")
        return tuple(pages)


@dataclass
class Running(Generic[T]):
    """A write that was sent, by this run or by an earlier one.

    Attributes:
        kept: what to journal in order to follow it after a restart.
        result: what the answer was parsed to.
    """

    _client: Client
    kept: Continuation
    result: T
    _url: str | None
    _ended: Progress | None = None

    def look(self) -> Progress:
        """How far it is, asked once. It is done only when its resource shows it, too.

        Raises:
            AzureError: the resource cannot be read.
        """
        if self._ended is not None:
            return self._ended
        if self._url is not None:
            told = self._client.status(self._url)
            if told is None:
                self._url = None
            elif told.outcome is Outcome.UNKNOWN:
                # The address may stay silent for good; what the resource shows counts without it.
                seen = self._read_back()
                return seen if seen.outcome is Outcome.DONE else told
            elif told.outcome is not Outcome.DONE or self.kept.goal is None:
                self._ended = told if told.final and told.outcome is not Outcome.UNDER_WAY else None
                return told
        return self._read_back()

    def wait(self, seconds: float, every_s: float, stopped: Callable[[], bool] = lambda: False) -> Progress:
        """Look until it is done, or the provider says that it is not, or the time is over: what was seen last.

        A look without an answer counts as unknown, and is followed by others.
        """
        deadline = time.monotonic() + seconds
        while True:
            try:
                seen = self.look()
            except AzureError as error:
                seen = Progress(Outcome.UNKNOWN, str(error), error.code)
            ended = seen.outcome is Outcome.DONE or (seen.outcome is Outcome.NOT_DONE and seen.final)
            if ended or stopped() or time.monotonic() >= deadline:
                return seen
            time.sleep(every_s)

    def _read_back(self) -> Progress:
        goal = self.kept.goal
        if goal is None:
            if self.kept.accepted and self.kept.operation is None:
                return Progress(Outcome.DONE, "It was accepted")
            return Progress(Outcome.UNKNOWN, "Nothing shows whether it was carried out")
        seen = self._client.look(goal)
        if seen.outcome is Outcome.DONE:
            self._ended = seen
        return seen


def _shown(call: Call, failure: Failure) -> Failure:
    return failure.redacted(lambda text: redact(text, call.secrets))


def _address(sent: Sent) -> str | None:
    if sent.status not in (200, 201, 202):
        return None
    return next((sent.headers[name] for name in _ADDRESSES if sent.headers.get(name)), None)


def _no_token(cloud: Cloud, lost: Lost) -> CredentialsMissing:
    failure: Any = Failure(redact(lost.words))
    return CredentialsMissing(
        f"No credentials gave a token for Azure's {cloud.name} cloud: {failure.words}. "
        f"Log in with `az cloud set` and `az login`, or set the variables of a service principal.",
        failure,
    )
