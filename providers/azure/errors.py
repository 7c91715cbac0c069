"""What can go wrong with a call: one family of exceptions, each a sentence on what happened, to what, and what to do.

They hold the provider's own code and words, and never a secret or the address of an operation.
"""

from __future__ import annotations

from dataclasses import dataclass

from providers.azure.calls import Call
from providers.calling import errors
from providers.calling.errors import CallFailed

_CREDENTIALS = ("ExpiredAuthenticationToken", "AuthenticationFailed", "InvalidAuthenticationToken")
_PERMISSIONS = ("AuthorizationFailed", "LinkedAuthorizationFailed", "AuthorizationPermissionMismatch")
_REMEDIES = {
    "AllocationFailed": "choose another tier or region, this one is sold out",
    "MissingSubscriptionRegistration": "register the resource provider that it names for the subscription",
    "OperationNotAllowed": "read what it says and try again",
    "QuotaExceeded": "delete what is not needed or ask for a higher quota",
    "ReadOnlyDisabledSubscription": "pay for the subscription or have it enabled",
    "ResourceGroupNotFound": "check the resource group and the subscription",
    "ScopeLocked": "lift the lock that it names",
    "ServerIsBusy": "wait until it is ready and try again",
    "SubscriptionNotFound": "check the subscription and the cloud",
}


@dataclass(frozen=True)
class Failure(errors.Failure):
    """How one attempt ended without a usable answer.

    `foreign`: what came back is not of Resource Manager, such as a proxy's page.
    """

    foreign: bool = False

    def _understood(self) -> bool:
        status = self.http_status or 0
        return 400 <= status < 500 and status != 408 and not self.foreign


class AzureError(CallFailed):
    """Base of everything below."""


class CredentialsMissing(AzureError):
    """No credentials were found where they were looked for, or none of them gave a token."""


class BadEndpoint(AzureError):
    """An address that must not be sent to."""


class BadContinuation(AzureError):
    """What was kept of an operation cannot be read."""


class NoAnswer(AzureError):
    """A read that was not answered, or not in a way that can be understood, as often as it was tried."""


class Unanswered(AzureError):
    """A write of which it is unknown whether it was carried out: read its state back before sending it again."""


class Refused(AzureError):
    """The provider answered that it will not: nothing was changed."""


class Throttled(Refused):
    """Too many calls were made; the same call can be made later."""


class CredentialsRefused(Refused):
    """The credentials are unknown, wrong or expired."""


class PermissionMissing(Refused):
    """The credentials do not allow the action."""


class NotFound(Refused):
    """What the call is about does not exist."""


class Conflict(Refused):
    """What is there does not allow it now: it is busy, or it exists already and is another."""


def refused(call: Call, failure: Failure) -> Refused:
    """The exception for an answer that says no."""
    action, code, status = call.action, failure.code, failure.http_status
    said = f"{action.product.title} refused {call.named}: {failure}"
    remedy = _REMEDIES.get(code)
    if failure.throttled:
        return Throttled(f"{said}. Wait a minute and try again.", failure)
    if status == 401 or code in _CREDENTIALS:
        return CredentialsRefused(f"{said}. Log in again, and check the tenant and the cloud.", failure)
    if status == 403 and (code in _PERMISSIONS or not remedy):
        return PermissionMissing(f"{said}. Have {action.permission} allowed to this identity.", failure)
    if status == 404:
        hint = remedy or "check the name, the resource group and the subscription"
        return NotFound(f"{said}. Do this: {hint}.", failure)
    if status == 409:
        return Conflict(f"{said}. Nothing was changed; {remedy or 'look at its state and try again'}.", failure)
    return Refused(f"{said}. Nothing was changed; {remedy or 'mend what it says and try again'}.", failure)


def no_answer(call: Call, failure: Failure, attempts: int) -> NoAnswer:
    """The exception for a read that failed every time."""
    return NoAnswer(errors.no_answer(call.action.product.title, call.named, failure, attempts), failure)


def unanswered(call: Call, failure: Failure) -> Unanswered:
    """The exception for a write of unknown outcome."""
    return Unanswered(errors.unanswered(call.action.product.title, call.named, failure), failure)
