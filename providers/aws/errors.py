"""What can go wrong with a call: one family of exceptions, each a sentence on what happened, to what, and what to do.

They hold AWS's own code and words, and never a secret.
"""

from __future__ import annotations

from dataclasses import dataclass

from providers.aws.calls import Call
from providers.calling import errors
from providers.calling.errors import CallFailed

_THROTTLED = (
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottled",
    "RequestThrottledException",
    "RequestLimitExceeded",
    "TooManyRequestsException",
    "SlowDown",
)
# Codes with which AWS says that the fault is its own; what it did before that is unknown.
_FAULTS = ("InternalFailure", "InternalError", "InternalServerError", "InternalServiceError", "ServiceUnavailable")
_CREDENTIALS = (
    "AuthFailure",
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "MissingAuthenticationToken",
    "RequestExpired",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
)
_PERMISSIONS = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "OptInRequired")
_BUGS = ("InvalidAction",)
_REMEDIES = {
    "ExpiredToken": "renew the credentials, for instance by logging in again",
    "ExpiredTokenException": "renew the credentials, for instance by logging in again",
    "RequestExpired": "set this machine's clock",
    "SignatureDoesNotMatch": "check the secret key and this machine's clock",
    "InsufficientDBInstanceCapacity": "choose another class or zone, or try again later",
    "InstanceQuotaExceeded": "delete what is not needed or ask AWS for a higher quota",
    "ProvisionedIopsNotAvailableInAZFault": "choose another storage type or zone",
    "SnapshotQuotaExceeded": "delete snapshots that are not needed or ask AWS for a higher quota",
    "StorageQuotaExceeded": "delete what is not needed or ask AWS for a higher quota",
    "StorageTypeNotSupported": "choose a storage type that the class offers",
    "DBParameterGroupQuotaExceeded": "delete parameter groups that are not needed",
}


@dataclass(frozen=True)
class Failure(errors.Failure):
    """How one attempt ended without a usable answer; `sent`: False where it cannot have left this machine."""

    sent: bool = True

    @property
    def throttled(self) -> bool:
        """Turned away because too many calls were made: it was not carried out."""
        return self.code in _THROTTLED or super().throttled

    def _understood(self) -> bool:
        known = bool(self.code) and self.code not in _FAULTS
        return known and self.http_status is not None and self.http_status < 500


class AwsError(CallFailed):
    """Base of everything below."""


class CredentialsMissing(AwsError):
    """No credentials were found where they were looked for."""


class BadEndpoint(AwsError):
    """An address or a region that must not be sent to."""


class BundleMissing(AwsError):
    """The file with RDS's certificate authorities is not there, or is no such file."""


class NoAnswer(AwsError):
    """A read that was not answered, or not in a way that can be understood, as often as it was tried."""


class NotSent(AwsError):
    """A write that did not leave this machine: no connection, or parameters that AWS would not take."""


class Unanswered(AwsError):
    """A write of which it is unknown whether it was carried out: read its state back before sending it again."""


class Refused(AwsError):
    """AWS answered that it will not: nothing was changed."""


class Throttled(Refused):
    """Too many calls were made; the same call can be made later."""


class CredentialsRefused(Refused):
    """The credentials are unknown, wrong or expired, or this machine's clock is wrong."""


class PermissionMissing(Refused):
    """The credentials do not allow the action."""


class NotFound(Refused):
    """What the call is about does not exist."""


class AlreadyExists(Refused):
    """What was to be created is there already, or something else of that name."""


class WrongState(Refused):
    """What the call is about is in a state in which it cannot be done now."""


def refused(call: Call, failure: Failure) -> Refused:
    """The exception for an answer that says no."""
    action, code = call.action, failure.code
    said = f"{action.service.title} refused {call.named}: {failure}"
    bare = code.removesuffix("Fault").removesuffix("Exception")
    if failure.throttled:
        return Throttled(f"{said}. Wait a minute and try again.", failure)
    if code in _CREDENTIALS:
        remedy = _REMEDIES.get(code, "check the access key and its token, they may have expired")
        return CredentialsRefused(f"{said}. Do this: {remedy}.", failure)
    if code in _PERMISSIONS:
        needed = " and ".join(action.permissions)
        return PermissionMissing(f"{said}. Have {needed} allowed to this account.", failure)
    if code in _BUGS:
        return Refused(f"{said}. Nothing was changed; this AWS region or endpoint does not know the call.", failure)
    if bare.endswith("NotFound"):
        return NotFound(f"{said}. Check the name and the region.", failure)
    if bare.endswith("AlreadyExists"):
        return AlreadyExists(f"{said}. See whether it is the one that is wanted, or choose another name.", failure)
    if bare.startswith("Invalid") and bare.endswith("State"):
        return WrongState(f"{said}. Nothing was changed; wait until its state allows it and try again.", failure)
    return Refused(f"{said}. Nothing was changed; {_REMEDIES.get(code, 'mend what it says and try again')}.", failure)


def no_answer(call: Call, failure: Failure, attempts: int) -> NoAnswer:
    """The exception for a read that failed every time."""
    asked = call.action.service.title
    return NoAnswer(errors.no_answer(asked, call.named, failure, attempts, "AWS's status page"), failure)


def not_sent(call: Call, failure: Failure) -> NotSent:
    """The exception for a write that could not be sent."""
    return NotSent(
        f"{call.named} was not sent to {call.action.service.title}: {failure}. Nothing was "
        "changed; mend what it says, or the network, and try again.",
        failure,
    )


def unanswered(call: Call, failure: Failure) -> Unanswered:
    """The exception for a write of unknown outcome."""
    return Unanswered(errors.unanswered(call.action.service.title, call.named, failure), failure)
