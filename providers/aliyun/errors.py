"""What can go wrong with a call: one family of exceptions, each a sentence on what happened, to what, and what to do.

They hold the provider's own code and words, and never a secret.
"""

from __future__ import annotations

from dataclasses import dataclass

from providers.aliyun.calls import Call

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
class Failure:
    """How one attempt ended without a usable answer.

    Attributes:
        words: what was said, by the provider or by the network.
        code: the provider's code; empty where nothing that can be read came back.
        http_status: None where no answer came.
        request_id: what the provider's support asks for.
    """

    words: str
    code: str = ""
    http_status: int | None = None
    request_id: str | None = None

    @property
    def throttled(self) -> bool:
        """Turned away because too many calls were made: it was not carried out."""
        return "Throttling" in self.code or self.http_status == 429

    @property
    def settled(self) -> bool:
        """Whether the provider said, in a way that can be understood, that it did not carry the call out."""
        if self.throttled:
            return True
        known = bool(self.code) and not self.code.startswith(_SDK) and not _is(self.code, _FAULTS)
        return known and self.http_status is not None and self.http_status < 500

    def __str__(self) -> str:
        named = (self.code, f"HTTP {self.http_status}" if self.http_status else "")
        ids = (f"request {self.request_id}" if self.request_id else "",)
        signs = ", ".join(sign for sign in (*named, *ids) if sign)
        return f"{self.words} ({signs})" if signs else self.words


class AliyunError(Exception):
    """Base of everything below.

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
    said = f"{action.product.title} refused {action.name} for {call.about}: {failure}"
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
    action = call.action
    return NoAnswer(
        f"{action.product.title} gave no usable answer to {action.name} for {call.about}, asked {attempts} times: "
        f"{failure}. Check the network and the provider's status page, then try again.",
        failure,
    )


def unanswered(call: Call, failure: Failure, then: Failure | None = None) -> Unanswered:
    """The exception for a write of unknown outcome; `then` is what a repetition of it was refused with."""
    action = call.action
    later = f" Sent again, it was refused: {then}." if then else ""
    return Unanswered(
        f"Whether {action.product.title} carried out {action.name} for {call.about} is unknown: {failure}.{later} "
        "Read its state back before sending it again.",
        failure,
    )


def _is(code: str, known: tuple[str, ...]) -> bool:
    return any(code == name or code.startswith(f"{name}.") for name in known)


def _remedy(code: str) -> str | None:
    return _REMEDIES.get(code) or _REMEDIES.get(code.partition(".")[0])
