"""The vendor's clients, imported when the first request is made, and the pipeline that they send through.

They form and send requests; retries, what is an error and what is shown of it are decided outside. Requests of
2015-09-01, for which there is no client, go through the same pipeline.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any
from urllib.parse import quote

from providers.azure.actions import DMS, FLEXIBLE, SINGLE, Action
from providers.azure.calls import Call
from providers.azure.clouds import Cloud
from providers.azure.credentials import Credential, StaticToken
from providers.azure.errors import BadEndpoint
from providers.azure.redaction import guard_log
from providers.calling.patience import Timeouts

_CLIENTS = {
    FLEXIBLE.name: ("azure.mgmt.rdbms.mysql_flexibleservers", "MySQLManagementClient"),
    SINGLE.name: ("azure.mgmt.rdbms.mysql", "MySQLManagementClient"),
    DMS.name: ("azure.mgmt.datamigration", "DataMigrationManagementClient"),
}
_LOGS = ("urllib3.connectionpool", "azure.core.pipeline.policies.http_logging_policy")


@dataclass(frozen=True)
class Sent:
    """One answer: `headers` have their names in lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes


@dataclass(frozen=True)
class Lost:
    """No answer came; `credential`: for want of a token, so that nothing was sent."""

    words: str
    credential: bool = False


class Transport:
    """Sends requests with one credential to one cloud, each exactly once. Safe to be used by several threads."""

    def __init__(self, cloud: Cloud, credential: Credential, timeouts: Timeouts) -> None:
        """Prepare; nothing is sent.

        Raises:
            BadEndpoint: a fixed token is not for a cloud, nor another credential for a rehearsal.
        """
        if isinstance(credential, StaticToken) is not cloud.rehearsed:
            raise BadEndpoint(
                f"A fixed token is for a rehearsal on 127.0.0.1 and nothing else, not {cloud.management}."
            )
        self._cloud = cloud
        self._credential = credential
        self._timeouts = timeouts
        self._lock = threading.Lock()
        self._plain: Any = None
        self._clients: dict[tuple[str, str], Any] = {}

    def send(self, call: Call) -> tuple[Sent, ...] | Lost:
        """Send a request: its answer, or one for each page of a list; the last may be an error."""
        action, seen = call.action, list[Any]()
        if not action.sdk:
            return self._collect(lambda: self._send_plain(call), seen)
        client = self._client(action, call.path["subscriptionId"])
        return self._collect(lambda: _send_typed(client, call, seen), seen)

    def follow(self, url: str) -> tuple[Sent, ...] | Lost:
        """Ask at an address that an answer gave.

        Raises:
            BadEndpoint: it is not the cloud's.
        """
        return self._collect(lambda: [self._run("GET", url)], [])

    def close(self) -> None:
        """Close the connections that are kept open."""
        with self._lock:
            held, self._plain = self._plain, None
            self._clients.clear()
        if held is not None:
            held.close()

    def _collect(self, request: Callable[[], list[Any]], seen: list[Any]) -> tuple[Sent, ...] | Lost:
        """What came back, whatever the vendor's client made of it."""
        from azure.core import exceptions

        try:
            answers = request()
        except (exceptions.ServiceRequestError, exceptions.ServiceResponseError) as error:
            return Lost(str(error))
        except exceptions.AzureError as error:
            if not seen:
                return Lost(str(error), credential=isinstance(error, exceptions.ClientAuthenticationError))
            answers = seen
        except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
            # Its models do not take every answer; ours have to be made of the same bytes.
            if not seen:
                return Lost(f"What was answered cannot be read ({type(error).__name__})")
            answers = seen
        return tuple(_sent(getattr(answer, "http_response", answer)) for answer in answers)

    def _send_plain(self, call: Call) -> list[Any]:
        path = call.action.path.format_map({name: quote(value, safe="") for name, value in call.path.items()})
        url = f"{self._cloud.management}{path}?api-version={call.action.version}"
        return [self._run(call.action.method, url, None if call.body is None else call.content())]

    def _run(self, method: str, url: str, content: bytes | None = None) -> Any:
        from azure.core.rest import HttpRequest

        headers = {"Accept": "application/json"}
        if content is not None:
            headers["Content-Type"] = "application/json"
        return self._held().send_request(HttpRequest(method, url, headers=headers, content=content))

    def _client(self, action: Action, subscription_id: str) -> Any:
        product = action.product.name
        pipeline = self._held().pipeline
        with self._lock:
            if (product, subscription_id) not in self._clients:
                module, name = _CLIENTS[product]
                versioned = {"api_version": DMS.version} if product == DMS.name else {}
                self._clients[product, subscription_id] = getattr(import_module(module), name)(
                    _NoCredential(),
                    subscription_id,
                    base_url=self._cloud.management,
                    pipeline=pipeline,
                    **versioned,
                )
            return self._clients[product, subscription_id]

    def _held(self) -> Any:
        with self._lock:
            if self._plain is None:
                self._plain = _Plain(self._cloud, self._credential, self._timeouts)
            return self._plain


def _send_typed(client: Any, call: Call, seen: list[Any]) -> list[Any]:
    """Send with the vendor's client; `seen` takes the answers as they came."""
    group, _, method = call.action.sdk.partition(".")
    given: list[object] = [call.path[name] for name in call.action.parameters if name != "subscriptionId"]
    options: dict[str, Any] = {"raw_response_hook": seen.append, "headers": {"Accept": "application/json"}}
    if call.body is not None:
        given.append(call.content())
    if method.startswith("begin_"):
        options["polling"] = False
    outcome = getattr(getattr(client, group), method)(*given, **options, **call.options)
    if hasattr(outcome, "by_page"):
        for page in outcome.by_page():
            for _ in page:
                pass
    return seen


class _NoCredential:
    """Stands where the vendor's clients want a credential: the pipeline that they are given has its own."""

    def get_token(self, *_scopes: str, **_options: Any) -> Any:
        raise NotImplementedError


class _Plain:
    """The pipeline of all clients, and the client without a service of its own."""

    def __init__(self, cloud: Cloud, credential: Credential, timeouts: Timeouts) -> None:
        from azure.mgmt.core import ARMPipelineClient

        self.pipeline = _pipeline(cloud, credential, timeouts)
        # It takes either a pipeline or what to make one of, and still wants the latter to be there.
        self._client: Any = ARMPipelineClient(cloud.management, pipeline=self.pipeline, policies=())

    def send_request(self, request: Any) -> Any:
        return self._client.send_request(request)

    def close(self) -> None:
        self._client.close()


def _pipeline(cloud: Cloud, credential: Credential, timeouts: Timeouts) -> Any:
    """No repetition, no redirect, no registering of providers, no log; a token for the cloud and nobody else."""
    from azure.core.pipeline import Pipeline, policies
    from azure.core.pipeline.transport import RequestsTransport

    class Fence(policies.SansIOHTTPPolicy[Any, Any]):
        def on_request(self, request: Any) -> None:
            if not cloud.trusts(request.http_request.url):
                raise BadEndpoint(f"An address outside {cloud.management} was given to be asked; it was not.")

    for name in _LOGS:
        guard_log(name)
    if isinstance(credential, StaticToken):
        authentication: Any = policies.HeadersPolicy({"Authorization": f"Bearer {credential.token.reveal()}"})
    else:
        from azure.mgmt.core.policies import ARMChallengeAuthenticationPolicy

        authentication = ARMChallengeAuthenticationPolicy(credential, cloud.scope)
    transport = RequestsTransport(
        connection_timeout=timeouts.connect_s,
        read_timeout=timeouts.read_s,
        # A proxy of the environment would be asked for this machine, too.
        use_env_settings=not cloud.rehearsed,
    )
    chain = [
        Fence(),
        policies.RequestIdPolicy(),
        policies.UserAgentPolicy("mysql-cutover"),
        policies.ContentDecodePolicy(),
        # The inner of the two: it is to see answers also that cannot be decoded.
        policies.CustomHookPolicy(),
        authentication,
    ]
    return Pipeline(transport, policies=chain)


def _sent(response: Any) -> Sent:
    headers = {str(name).lower(): str(value) for name, value in response.headers.items()}
    content = response.content if hasattr(response, "content") else response.body()
    return Sent(int(response.status_code), headers, content or b"")
