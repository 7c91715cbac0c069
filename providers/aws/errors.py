"""What can go wrong with a call: one family of exceptions, each a sentence on what happened, to what, and what to do.

They hold AWS's own code and words, and never a secret.
"""

from __future__ import annotations

from dataclasses import dataclass

from providers.aws.calls import Call

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
class Failure:
    """How one attempt ended without a usable answer.

    Attributes:
        words: what was said, by AWS, by its SDK or by the network.
        code: AWS's code; empty where nothing that can be read came back.
        http_status: None where no answer came.
        request_id: what AWS's support asks for.
        sent: False where the request cannot have left this machine.
    """

    words: str
    code: str = ""
    http_status: int | None = None
    request_id: str | None = None
    sent: bool = True

    @property
    def throttled(self) -> bool:
        """Turned away because too many calls were made: it was not carried out."""
        return self.code in _THROTTLED or self.http_status == 429

    @property
    def settled(self) -> bool:
        """Whether AWS said, in a way that can be understood, that it did not carry the call out."""
        if self.throttled:
            return True
        known = bool(self.code) and self.code not in _FAULTS
        return known and self.http_status is not None and self.http_status < 500

    def __str__(self) -> str:
        named = (self.code, f"HTTP {self.http_status}" if self.http_status else "")
        ids = (f"request {self.request_id}" if self.request_id else "",)
        signs = ", ".join(sign for sign in (*named, *ids) if sign)
        return f"{self.words} ({signs})" if signs else self.words


class AwsError(Exception):
    """Base of everything below.

    Attributes:
        code: AWS's own code, empty if it gave none.
        message: its own words, or those of the network.
        http_status: the answer's; None if no answer came.
        request_id: AWS's name for the request, if it gave one.
    """

    def __init__(self, sentence: str, failure: Failure | None = None) -> None:
        super().__init__(sentence)
        self.code = failure.code if failure else ""
        self.message = failure.words if failure else ""
        self.http_status = failure.http_status if failure else None
        self.request_id = failure.request_id if failure else None


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
    said = f"{action.service.title} refused {action.name} for {call.about}: {failure}"
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
    return NoAnswer(
        f"{call.action.service.title} gave no usable answer to {call.action.name} for {call.about}, asked {attempts} "
        f"times: {failure}. Check the network and AWS's status page, then try again.",
        failure,
    )


def not_sent(call: Call, failure: Failure) -> NotSent:
    """The exception for a write that could not be sent."""
    return NotSent(
        f"{call.action.name} for {call.about} was not sent to {call.action.service.title}: {failure}. Nothing was "
        "changed; mend what it says, or the network, and try again.",
        failure,
    )


def unanswered(call: Call, failure: Failure) -> Unanswered:
    """The exception for a write of unknown outcome."""
    return Unanswered(
        f"Whether {call.action.service.title} carried out {call.action.name} for {call.about} is unknown: {failure}. "
        "Read its state back before sending it again.",
        failure,
    )
