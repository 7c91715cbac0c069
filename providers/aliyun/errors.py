"""What can go wrong with a call: one family of exceptions, each a sentence on what happened, to what, and what to do.

They hold the provider's own code and words, and never a secret.
"""

from __future__ import annotations

from dataclasses import dataclass

from providers.aliyun.calls import Call
from providers.calling import errors
from providers.calling.errors import CallFailed

_SDK = "SDK."
# Codes with which the provider says that the fault is its own; what it did before that is unknown.
_FAULTS = ("InternalError", "ServiceUnavailable", "Unknown.Exception", "UnknownError")
_CREDENTIALS = (
    "InvalidAccessKeyId",
    "InvalidAccessKeySecret",
    "InvalidSecurityToken",
    "MissingSecurityToken",
    "MissingAccessKeyId",
    "SignatureDoesNotMatch",
    "IncompleteSignature",
    "InvalidTimeStamp",
)
_PERMISSIONS = ("Forbidden", "Forbidden.RAM", "NoPermission")
_BUGS = ("InvalidApi.NotFound", "InvalidAction.NotFound")
_REMEDIES = {
    "EngineMigration.ActionDisabled": "complete or cancel the migration first",
    "EngineMigrationStatus.NotSurpport": "read the migration's status again, it does not allow this now",
    "IncorrectDBInstanceState": "wait until it is running and try again",
    "InsufficientBalance": "top the account up and try again",
    "InvalidTimeStamp": "set this machine's clock",
    "OperationDenied": "read what it says: often the wanted class is sold out in that zone",
    "OperationDenied.DBClusterStatus": "wait until it is running and try again",
    "OperationDenied.DBInstanceStatus": "wait until it is running and try again",
    "OperationDenied.DBStatus": "wait until it is running and try again",
    "OperationDenied.DeletionProtection": "turn its deletion protection off first",
    "OperationDenied.LockMode": "see in the console why it is locked",
    "OperationDenied.PrePayTypeNotSupported": "it is prepaid, unsubscribe from it in the console",
    "QuotaExceeded": "delete what is not needed or ask for a higher quota",
}


@dataclass(frozen=True)
class Failure(errors.Failure):
    """How one attempt ended without a usable answer."""

    @property
    def throttled(self) -> bool:
        """Turned away because too many calls were made: it was not carried out."""
        return "Throttling" in self.code or super().throttled

    def _understood(self) -> bool:
        known = bool(self.code) and not self.code.startswith(_SDK) and not _is(self.code, _FAULTS)
        return known and self.http_status is not None and self.http_status < 500


class AliyunError(CallFailed):
    """Base of everything below."""


class CredentialsMissing(AliyunError):
    """No credentials were found where they were looked for."""


class BadEndpoint(AliyunError):
    """An address or a region that must not be sent to."""


class NoAnswer(AliyunError):
    """A read that was not answered, or not in a way that can be understood, as often as it was tried."""


class Unanswered(AliyunError):
    """A write of which it is unknown whether it was carried out: read its state back before sending it again."""


class Refused(AliyunError):
    """The provider answered that it will not: nothing was changed."""


class Throttled(Refused):
    """Too many calls were made; the same call can be made later."""


class CredentialsRefused(Refused):
    """The credentials are unknown, wrong or expired, or this machine's clock is wrong."""


class PermissionMissing(Refused):
    """The credentials do not allow the action.

    Attributes:
        permission: the RAM action that has to be allowed, such as `polardb:DescribeDBClusters`.
    """

    def __init__(self, sentence: str, failure: Failure, permission: str) -> None:
        super().__init__(sentence, failure)
        self.permission = permission


class NotFound(Refused):
    """What the call is about does not exist."""


class AlreadyExists(Refused):
    """What was to be created is there already."""


def refused(call: Call, failure: Failure) -> Refused:
    """The exception for an answer that says no."""
    action, code = call.action, failure.code
    said = f"{action.product.title} refused {call.named}: {failure}"
    if failure.throttled:
        return Throttled(f"{said}. Wait a minute and try again.", failure)
    if _is(code, _CREDENTIALS):
        remedy = _remedy(code) or "check the access key and its token, they may have expired"
        return CredentialsRefused(f"{said}. Do this: {remedy}.", failure)
    if code in _PERMISSIONS:
        needed = action.permission
        return PermissionMissing(f"{said}. Have the RAM action {needed} allowed to this account.", failure, needed)
    if code not in _BUGS and any(word.endswith(("NotFound", "NotExist")) for word in code.split(".")):
        return NotFound(f"{said}. Check the name and the region.", failure)
    if code.startswith("EntityAlreadyExist"):
        return AlreadyExists(f"{said}. Use the one that is there.", failure)
    return Refused(f"{said}. Nothing was changed; {_remedy(code) or 'mend what it says and try again'}.", failure)


def no_answer(call: Call, failure: Failure, attempts: int) -> NoAnswer:
    """The exception for a read that failed every time."""
    return NoAnswer(errors.no_answer(call.action.product.title, call.named, failure, attempts), failure)


def unanswered(call: Call, failure: Failure, then: Failure | None = None) -> Unanswered:
    """The exception for a write of unknown outcome; `then` is what a repetition of it was refused with."""
    return Unanswered(errors.unanswered(call.action.product.title, call.named, failure, then), failure)


def _is(code: str, known: tuple[str, ...]) -> bool:
    return any(code == name or code.startswith(f"{name}.") for name in known)


def _remedy(code: str) -> str | None:
    return _REMEDIES.get(code) or _REMEDIES.get(code.partition(".")[0])
