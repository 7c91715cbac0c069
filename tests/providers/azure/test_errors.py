"""Errors keep the provider's code and words, say what to do, and hold no secret and no address of an operation."""

from __future__ import annotations

import json
import logging

import pytest

from providers.azure import classic, datamigration, flexible, single
from providers.azure.client import Client
from providers.azure.clouds import CHINA, CLOUDS, at
from providers.azure.credentials import StaticToken, default_credential
from providers.azure.errors import (
    AzureError,
    BadEndpoint,
    Conflict,
    CredentialsMissing,
    CredentialsRefused,
    NoAnswer,
    NotFound,
    PermissionMissing,
    Refused,
    Throttled,
    Unanswered,
)
from providers.azure.redaction import redact
from providers.calling.patience import Retry, Timeouts
from providers.mysql.endpoint import Secret
from tests.providers.azure.arm import TOKEN, ArmServer, Cut, Reply, error
from tests.providers.azure.samples import HERE, PASSWORD, PROPERTIES, SERVICE, WRITES


@pytest.mark.parametrize(
    ("reply", "kind", "says"),
    [
        (error(401, "ExpiredAuthenticationToken"), CredentialsRefused, "Log in again"),
        (error(403, "AuthorizationFailed"), PermissionMissing, "Microsoft.DBforMySQL/flexibleServers/write"),
        (error(404, "ResourceNotFound"), NotFound, "check the name"),
        (error(404, "ResourceGroupNotFound"), NotFound, "check the resource group"),
        (error(409, "ServerIsBusy"), Conflict, "wait until it is ready"),
        (error(409, "ScopeLocked"), Conflict, "lift the lock"),
        (error(400, "InvalidParameterValue"), Refused, "Nothing was changed"),
        (error(403, "ReadOnlyDisabledSubscription"), Refused, "pay for the subscription"),
        (error(429, "TooManyRequests"), Throttled, "Wait a minute"),
    ],
)
def test_a_refusal_is_one_sentence_with_code_words_and_remedy(
    reply: Reply, kind: type[Refused], says: str, server: ArmServer, client: Client
) -> None:
    server.always = reply
    with pytest.raises(kind) as caught:
        client.begin(flexible.promote_replica(HERE))
    assert type(caught.value) is kind
    words = str(caught.value)
    assert reply.body["error"]["code"] in words
    assert "Words of the provider" in words
    assert "Flexible Server refused Servers_Update for server testrg/one" in words
    assert "REQ-1" in words
    assert says in words
    assert (caught.value.code, caught.value.http_status) == (reply.body["error"]["code"], reply.status)
    assert len(server.seen) == 1


def test_details_are_told(server: ArmServer, client: Client) -> None:
    details = [{"code": "NoQuota", "message": "No cores are left."}, {"code": "x", "message": "Outer words"}]
    server.always = Reply(400, {"error": {"code": "Outer", "message": "Outer words.", "details": details}})
    with pytest.raises(Refused, match=r"Outer words; NoQuota: No cores are left \(Outer, HTTP 400\)"):
        client.begin(flexible.promote_replica(HERE))


@pytest.mark.parametrize("bad", [Cut.NOW, error(503, "x"), error(500, "x"), Reply(200, b"<html>"), error(429, "x")])
def test_a_read_is_asked_again(bad: Reply | Cut, server: ArmServer, client: Client) -> None:
    server.next.extend([bad, bad])
    server.always = Reply(200, {"name": "one"})
    assert flexible.server(client, HERE).name == "one"
    assert len(server.seen) == 3


@pytest.mark.parametrize(
    ("bad", "kind"), [(Cut.NOW, NoAnswer), (error(503, "x"), NoAnswer), (error(429, "x"), Throttled)]
)
def test_a_read_ends_with_an_error(bad: Reply | Cut, kind: type[AzureError], server: ArmServer, client: Client) -> None:
    server.always = bad
    with pytest.raises(kind):
        flexible.server(client, HERE)
    assert len(server.seen) == 3


def test_a_refused_read_is_asked_once(server: ArmServer, client: Client) -> None:
    server.always = error(404, "ResourceNotFound")
    with pytest.raises(NotFound):
        flexible.server(client, HERE)
    assert len(server.seen) == 1


def test_lists_are_read_page_after_page(server: ArmServer, client: Client) -> None:
    server.next.append(Reply(200, {"value": [{"name": "a"}], "nextLink": f"{server.url}/next?api-version=1&s=x"}))
    server.always = Reply(200, {"value": [{"name": "b"}]})
    assert [one.name for one in flexible.servers(client, "s", "g")] == ["a", "b"]
    assert server.seen[1].path == "/next"


@pytest.mark.parametrize("bad", [error(503, "x"), Cut.NOW, Reply(200, b"<html>"), Reply(200, []), Reply(204)])
def test_a_page_that_is_missing_is_an_error(bad: Reply | Cut, server: ArmServer, client: Client) -> None:
    first = Reply(200, {"value": [{"name": "a"}], "nextLink": f"{server.url}/next"})
    server.next.extend([first, bad] * 3)
    with pytest.raises(NoAnswer):
        flexible.servers(client, "s", "g")


def test_a_list_whose_next_page_is_not_asked_for_is_not_complete(server: ArmServer, client: Client) -> None:
    # The older service is described as having no pages.
    server.always = Reply(200, {"value": [{"name": "a"}], "nextLink": f"{server.url}/next"})
    with pytest.raises(NoAnswer, match="ended after 1 pages and is not complete"):
        single.servers(client, "s", "g")


def test_a_list_that_leads_elsewhere_is_not_followed(server: ArmServer, client: Client) -> None:
    with ArmServer() as other:
        server.always = Reply(200, {"value": [], "nextLink": f"{other.url}/next"})
        with pytest.raises(BadEndpoint, match="was given to be asked; it was not"):
            flexible.servers(client, "s", "g")
        assert other.seen == []


@pytest.mark.parametrize("bad", [{"value": None}, {"value": {}}, {}, {"value": ["x"]}])
def test_a_missing_list_is_not_an_empty_one(bad: object, server: ArmServer, client: Client) -> None:
    server.always = Reply(200, bad)
    with pytest.raises(NoAnswer):
        flexible.databases(client, HERE)


def test_nobody_there_is_no_answer_within_seconds() -> None:
    nobody = Client(at("http://127.0.0.1:9"), StaticToken(Secret(TOKEN)), Retry(2, 0.001), Timeouts(1.0, 1.0))
    with pytest.raises(NoAnswer):
        flexible.server(nobody, HERE)
    with pytest.raises(Unanswered):
        nobody.begin(flexible.promote_replica(HERE))


def test_names_are_no_part_of_the_address(server: ArmServer, client: Client) -> None:
    for function in (flexible.database, classic.database):
        server.always = Reply(200, {})
        function(client, HERE, "a/../b?c=d#e")
        assert server.seen[-1].path.endswith("/databases/a%2F..%2Fb%3Fc%3Dd%23e")


def test_a_fixed_token_is_for_this_machine_only() -> None:
    for cloud in CLOUDS.values():
        with pytest.raises(BadEndpoint):
            Client(cloud, StaticToken(Secret(TOKEN)))
    with pytest.raises(BadEndpoint):
        Client(at("https://localhost:1"), StaticToken(Secret(TOKEN)))
    with pytest.raises(BadEndpoint):
        Client(at("http://127.0.0.1:1"), object())
    with pytest.raises(BadEndpoint):
        default_credential(at("http://127.0.0.1:1"))
    for url in (
        "http://10.0.0.1:80",
        "http://example.net",
        "ftp://127.0.0.1",
        "https://a/b",
        "https://u:p@a",
        "https://",
    ):
        with pytest.raises(BadEndpoint):
            at(url)


def test_tokens_go_to_the_cloud_and_below_only() -> None:
    assert CHINA.trusts("https://management.chinacloudapi.cn/x?y")
    assert CHINA.trusts("https://chinaeast2.management.chinacloudapi.cn/x")
    for url in (
        "http://management.chinacloudapi.cn/",
        "https://management.chinacloudapi.cn.evil.net/",
        "https://evil/",
    ):
        assert not CHINA.trusts(url)


class NoToken:
    def get_token(self, *scopes: str, **_: object) -> object:
        from azure.core.exceptions import ClientAuthenticationError

        assert scopes == ("https://management.chinacloudapi.cn/.default",)
        raise ClientAuthenticationError("Please run 'az login' to set up an account")


def test_no_credentials_are_said_at_once() -> None:
    client = Client(CHINA, NoToken())
    with pytest.raises(CredentialsMissing, match=r"china cloud: Please run 'az login'.* Log in with `az cloud set`"):
        flexible.server(client, HERE)
    with pytest.raises(CredentialsMissing):
        client.begin(flexible.promote_replica(HERE))


def test_the_default_credential_is_of_its_cloud() -> None:
    assert default_credential(CHINA) is not None


ADDRESS = "https://management.azure.com/subscriptions/s/azureAsyncOperation/g?api-version=1&t=638&c=MIIH&s=SIGNED&h=x"


def test_secrets_and_addresses_are_in_no_error_log_or_shown_call(
    server: ArmServer, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    echo = f"Got {json.dumps({'password': PASSWORD})} and Bearer {TOKEN} at {ADDRESS} and Password=x&y"
    create = WRITES["flexible.create_server"]
    task = datamigration.create_task(SERVICE, "p", "t", PROPERTIES["migrate_online"])
    told = [create.shown(), task.shown()]
    for write in (create, task):
        for reply in (error(400, "Bad", echo), error(500, "Bad", echo)):
            server.always = reply
            with pytest.raises(AzureError) as caught:
                client.begin(write)
            told += [str(caught.value), repr(caught.value), caught.value.message]
    follow = {"Azure-AsyncOperation": f"{server.url}/subscriptions/s/azureAsyncOperation/g?t=1&s=SIGNED"}
    server.next.extend(
        [Reply(202, {}, follow), Reply(200, {"status": "Failed", "error": {"code": "c", "message": echo}})]
    )
    running = client.begin(create)
    told += [str(running.look()), json.dumps(running.kept.as_json()), str(running.kept)]
    told += [record.getMessage() for record in caplog.records]
    assert any("azureAsyncOperation" in one for one in told)
    for one in told:
        assert "SIGNED" not in one
        assert TOKEN not in one
        assert PASSWORD not in one
        assert json.dumps(PASSWORD)[1:-1] not in one
    assert create.shown().startswith("PUT /subscriptions/ffffffff-ffff-ffff-ffff-ffffffffffff/resourceGroups/testrg/")
    assert '"administratorLoginPassword": "***"' in create.shown()


def test_redaction_leaves_the_rest() -> None:
    assert redact(ADDRESS) == ADDRESS.partition("?")[0] + "?***"
    assert redact("eyJ0eXAiOiJKV1Qi.eyJhdWQiOiJodHRw.abc-DEF and more") == "*** and more"
    assert redact("The server 'one' is busy. See https://aka.ms/x for more.") == (
        "The server 'one' is busy. See https://aka.ms/x for more."
    )
    assert redact("a\x1b[31mb") == "a [31mb"
    relative = (
        "Max retries exceeded with url: /subscriptions/s/azureAsyncOperation/g?api-version=1&s=SIGNED (Caused by x)"
    )
    assert redact(relative) == relative.replace("api-version=1&s=SIGNED", "***")


def test_what_a_task_holds_is_revealed_on_the_wire_only(server: ArmServer, client: Client) -> None:
    server.always = Reply(201, {})
    client.begin(datamigration.create_task(SERVICE, "p", "t", PROPERTIES["get_tables"]))
    assert server.seen[0].body["properties"]["input"]["connectionInfo"]["password"] == PASSWORD
