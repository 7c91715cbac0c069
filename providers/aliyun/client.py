"""Sending calls: what is repeated, what never is, and when a list is complete."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, replace
from typing import TypeVar

from providers.aliyun.actions import DTS
from providers.aliyun.calls import Call, Write
from providers.aliyun.credentials import Credentials, CredentialSource
from providers.aliyun.endpoints import Endpoints
from providers.aliyun.errors import Failure, no_answer, refused, unanswered
from providers.aliyun.sdk import Transport
from providers.calling.answer import Answer
from providers.calling.patience import Retry, Timeouts
from providers.calling.redaction import redact

T = TypeVar("T")
# Far more pages than any account has: a server that never ends its list is at fault.
_MOST_PAGES = 500
_BRIEF = 80


@dataclass(frozen=True)
class Paging:
    """How a list is asked for page by page: the names of the parameters, and the greatest page allowed."""

    size: int
    number_name: str = "PageNumber"
    size_name: str = "PageSize"
    total_name: str = "TotalRecordCount"


class Client:
    """Calls the products of one region with one source of credentials.

    Safe to be used by several threads. What a method raises is an `AliyunError`: for a read `NoAnswer` or `Refused`,
    for a write `Unanswered` or `Refused`, and `CredentialsMissing`.
    """

    def __init__(
        self,
        endpoints: Endpoints,
        credentials: CredentialSource,
        retry: Retry | None = None,
        timeouts: Timeouts | None = None,
    ) -> None:
        self.region = endpoints.region
        self._endpoints = endpoints
        self._credentials = credentials
        self._retry = retry or Retry()
        self._timeouts = timeouts or Timeouts()
        self._lock = threading.Lock()
        self._transports: dict[str, Transport] = {}

    def read(self, call: Call) -> Answer:
        """Ask, and ask again while there is no usable answer or too many calls are made."""
        credentials = self._credentials()
        outcome = self._retry.until(lambda: self._attempt(call, credentials), lambda failure: failure.passing)
        if isinstance(outcome, Answer):
            return outcome
        raise refused(call, outcome) if outcome.settled else no_answer(call, outcome, self._retry.attempts)

    def items(self, call: Call, *path: str) -> tuple[Answer, ...]:
        """Ask for a list that comes whole, at `path` in the answer."""
        items = self.read(call).parts(*path)
        if items is None:
            raise no_answer(call, _without(path), 1)
        return items

    def pages(self, call: Call, paging: Paging, *path: str) -> tuple[Answer, ...]:
        """Ask for all pages of the list at `path`: the entries of all of them."""
        return tuple(item for answer in self.answers(call, paging, *path) for item in answer.parts(*path) or ())

    def answers(self, call: Call, paging: Paging, *path: str) -> tuple[Answer, ...]:
        """Ask for all pages of the list at `path`: the answers, one a page, and at least one.

        The list is complete when it is as long as the answer says. Where the answer does not say it, a page without
        anything new ends it, and never a short page: a server may give fewer than it is asked for.
        """
        answers: list[Answer] = []
        found, last = 0, None
        for number in range(1, _MOST_PAGES):
            turn = ((paging.number_name, str(number)), (paging.size_name, str(paging.size)))
            answer = self.read(replace(call, parameters=(*call.parameters, *turn)))
            page, total = answer.parts(*path), answer.number(paging.total_name)
            if page is None:
                raise no_answer(call, _without(path), 1)
            if total is None and answers and (not page or page == last):
                return tuple(answers)
            answers.append(answer)
            found, last = found + len(page), page
            if found >= total if total is not None else not page:
                return tuple(answers)
            if not page:
                break
        raise no_answer(call, Failure(f"The list ended after {found} entries and is not complete"), 1)

    def send(self, write: Write[T]) -> T:
        """Carry a write out.

        It is sent once. Only one that is `repeatable` is sent again, with the same token, as a read would be.
        """
        return write.parse(self._send(write))

    def close(self) -> None:
        """Close the connections that are kept open."""
        with self._lock:
            transports = tuple(self._transports.values())
            self._transports.clear()
        for transport in transports:
            transport.close()

    def _send(self, write: Write[T]) -> Answer:
        call, credentials = write.call, self._credentials()
        unclear: Failure | None = None
        outcome: Answer | Failure = Failure("It was not sent")
        for _ in self._retry.rounds() if write.repeatable else (1,):
            outcome = self._attempt(call, credentials)
            if isinstance(outcome, Answer):
                return outcome
            if not outcome.settled:
                unclear = outcome
            elif not outcome.throttled:
                break
        assert isinstance(outcome, Failure)
        if unclear is None:
            raise refused(call, outcome)
        # A refusal of the repetition says nothing about the first: it may be refused because the first was done.
        raise unanswered(call, unclear, outcome if outcome.settled else None)

    def _attempt(self, call: Call, credentials: Credentials) -> Answer | Failure:
        sent = self._transport(call, credentials).send(call.action, call.body())
        outcome = _read(call, sent) if isinstance(sent, bytes) else sent
        if isinstance(outcome, Answer):
            return outcome
        secrets = (*credentials.secrets, *call.secrets)
        return outcome.redacted(lambda text: redact(text, secrets))

    def _transport(self, call: Call, credentials: Credentials) -> Transport:
        product = call.action.product
        with self._lock:
            held = self._transports.get(product.name)
            if held is None or held.credentials != credentials:
                held = Transport(self._endpoints.url(product), self.region, credentials, self._timeouts)
                self._transports[product.name] = held
            return held


def _read(call: Call, body: bytes) -> Answer | Failure:
    try:
        content = json.loads(body)
    except ValueError:
        content = None
    if not isinstance(content, dict):
        return Failure(f"The answer is no JSON object: {body[:_BRIEF].decode('utf-8', 'replace')!r}", http_status=200)
    answer = Answer(content)
    return (_dts_failure(call, answer) if call.action.product is DTS else None) or answer


def _dts_failure(call: Call, answer: Answer) -> Failure | None:
    """DTS answers errors with HTTP status 200 and says in the answer what it means."""
    success = answer.flag("Success")
    code = answer.text("ErrCode") or ""
    words = (answer.text("ErrMessage") or "").replace("%s", answer.text("DynamicMessage") or "")
    inner = answer.number("HttpStatusCode")
    status = inner if inner is not None and inner >= 400 else 200
    if success is False:
        return Failure(words, code, status, answer.text("RequestId"))
    if success is None and not call.action.name.startswith("Describe"):
        return Failure("The answer does not say whether it was done", "", 200, answer.text("RequestId"))
    return None


def _without(path: tuple[str, ...]) -> Failure:
    return Failure(f"The answer has no list {'.'.join(path)}", http_status=200)
