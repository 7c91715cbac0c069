"""Each refusal in a sentence of its kind, with AWS's code and words, and without secrets."""

from __future__ import annotations

import pytest

from providers.aws import errors, instances
from providers.aws.client import Client
from providers.aws.redaction import redact
from providers.mysql.endpoint import Secret
from providers.sandbox.api.refusals import Refused
from tests.providers.aws.answering import KEY_ID, SECRET, AwsServer


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("Throttling", 400, errors.Throttled),
        ("RequestLimitExceeded", 503, errors.Throttled),
        ("ExpiredToken", 403, errors.CredentialsRefused),
        ("InvalidClientTokenId", 403, errors.CredentialsRefused),
        ("SignatureDoesNotMatch", 403, errors.CredentialsRefused),
        ("AccessDenied", 403, errors.PermissionMissing),
        ("DBInstanceNotFound", 404, errors.NotFound),
        ("BlueGreenDeploymentNotFoundFault", 404, errors.NotFound),
        ("DBInstanceAlreadyExists", 400, errors.AlreadyExists),
        ("BlueGreenDeploymentAlreadyExistsFault", 400, errors.AlreadyExists),
        ("InvalidDBInstanceState", 400, errors.WrongState),
        ("InvalidBlueGreenDeploymentStateFault", 400, errors.WrongState),
        ("InvalidParameterCombination", 400, errors.Refused),
        ("StorageQuotaExceeded", 400, errors.Refused),
        ("InternalFailure", 500, errors.Unanswered),
        ("ServiceUnavailable", 503, errors.Unanswered),
    ],
)
def test_a_code_has_its_kind(
    code: str, status: int, kind: type[errors.AwsError], server: AwsServer, client: Client
) -> None:
    server.next["RebootDBInstance"].extend([Refused(status, code, "Words of the provider.")] * 9)
    with pytest.raises(errors.AwsError) as caught:
        client.send(instances.reboot("m1"))
    assert type(caught.value) is kind
    said = str(caught.value)
    assert "instance m1" in said
    assert code in said
    assert "Words of the provider" in said
    assert (caught.value.code, caught.value.http_status) == (code, status)


def test_a_missing_permission_is_named_with_what_it_needs(server: AwsServer, client: Client) -> None:
    from providers.aws import bluegreen

    server.next["SwitchoverBlueGreenDeployment"].append(Refused(403, "AccessDenied", "no"))
    with pytest.raises(errors.PermissionMissing) as caught:
        client.send(bluegreen.switch_over("bgd-1", 300))
    assert "rds:SwitchoverBlueGreenDeployment and rds:ModifyDBInstance and rds:PromoteReadReplica" in str(caught.value)


@pytest.mark.parametrize(
    "words",
    [
        f"The key {KEY_ID} is not known",
        f"secret {SECRET}",
        "The Canonical String for this request should have been\n'POST\n/\n\nx-amz-security-token:SECRETTOKEN",
        "X-Amz-Security-Token=SECRETTOKEN&X",
        "Credential=ASIASECRETTOKEN12345/2026",
        '"SessionToken": "SECRETTOKEN"',
        "MasterUserPassword=SECRETTOKEN",
    ],
)
def test_no_secret_is_in_an_error(words: str, server: AwsServer, client: Client) -> None:
    server.next["RebootDBInstance"].append(Refused(400, "InvalidParameterValue", words))
    with pytest.raises(errors.Refused) as caught:
        client.send(instances.reboot("m1"))
    for text in (str(caught.value), caught.value.message, repr(caught.value)):
        assert not any(secret in text for secret in (KEY_ID, SECRET, "SECRETTOKEN"))


def test_control_characters_do_not_reach_a_terminal() -> None:
    assert redact("a\x1b[31mb\nc", (Secret("b"),)) == "a [31m*** c"


def test_a_page_of_another_server_is_not_repeated_in_full(server: AwsServer, client: Client) -> None:
    from tests.providers.aws.answering import PAGE

    server.next["RebootDBInstance"].append(PAGE)
    with pytest.raises(errors.Unanswered) as caught:
        client.send(instances.reboot("m1"))
    assert "<html>" not in str(caught.value)
