"""The SDK, which is imported only when a call is made: it signs, sends and parses, and repeats nothing."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Iterator
from functools import cache
from typing import Any

from providers.aws.access import Access, check_region, check_url
from providers.aws.actions import Action
from providers.aws.errors import BadEndpoint, CredentialsMissing, Failure
from providers.calling.patience import Timeouts
from providers.mysql.endpoint import Secret


class Transport:
    """Signs requests with the credentials of one access and sends each exactly once.

    The SDK would repeat whatever fails, also what changes something, so that is turned off: who calls decides.
    """

    def __init__(self, access: Access, timeouts: Timeouts) -> None:
        """Find credentials and region.

        Raises:
            CredentialsMissing: none were found, or the profile does not exist.
            BadEndpoint: no region was found, or one that is none.
        """
        import boto3
        import botocore.session

        _silence()
        self._access = access
        self._timeouts = timeouts
        self._clients: dict[str, Any] = {}
        # Sessions are not made for several threads; the clients that they make are.
        self._making = threading.Lock()
        key = access.key
        with _credentials_had():
            own = botocore.session.Session()
            # Reading the models anew for each session takes longer than a call.
            own.register_component("data_loader", _loader())
            self._session = boto3.session.Session(
                botocore_session=own,
                aws_access_key_id=key.id.reveal() if key else None,
                aws_secret_access_key=key.secret.reveal() if key else None,
                aws_session_token=key.token.reveal() if key and key.token else None,
                region_name=access.region,
                profile_name=access.profile if not key else None,
            )
            found = self._session.get_credentials()
        if found is None:
            raise CredentialsMissing(
                "No AWS credentials were found in the environment, the default profile or an instance role: run "
                "`aws configure` or `aws sso login`, or name a profile."
            )
        self._credentials = found
        self.region: str = self._session.region_name or ""
        if not self.region:
            raise BadEndpoint("No AWS region is known: name one, or set it with `aws configure set region REGION`.")
        check_region(self.region)

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """What is never shown: those of the credentials that have been used last."""
        if self._access.key:
            return self._access.key.secrets
        import botocore.exceptions

        try:
            frozen = self._credentials.get_frozen_credentials()
        except botocore.exceptions.BotoCoreError:
            return ()
        return tuple(Secret(value) for value in (frozen.access_key, frozen.secret_key, frozen.token) if value)

    def send(self, action: Action, parameters: dict[str, object]) -> dict[str, Any] | Failure:
        """Call an action: its answer, or how it failed. The words are not redacted yet.

        Raises:
            BadEndpoint: the configured address is one that must not be sent to.
            CredentialsMissing: temporary credentials could not be renewed.
        """
        import botocore.exceptions as said
        from botocore import xform_name

        client = self.client(action.service.name)
        try:
            with _credentials_had():
                answer: dict[str, Any] = getattr(client, xform_name(action.name))(**parameters)
        except said.ClientError as error:
            return _said(error.response)
        except (
            said.EndpointConnectionError,
            said.ConnectTimeoutError,
            said.ProxyConnectionError,
            said.ParamValidationError,
        ) as error:
            return Failure(str(error), sent=False)
        except said.BotoCoreError as error:
            return Failure(_first_line(str(error)))
        return answer

    def token(self, host: str, port: int, user: str) -> str:
        """A token with which `user` can log in to an instance for 15 minutes.

        Raises:
            CredentialsMissing: as `send`.
        """
        with _credentials_had():
            made: str = self.client("rds").generate_db_auth_token(host, port, user, self.region)
        return made

    def client(self, service: str) -> Any:
        """The SDK's client of a service.

        Raises:
            BadEndpoint: as `send`.
        """
        if service not in self._clients:
            from botocore.config import Config

            config = Config(
                connect_timeout=self._timeouts.connect_s,
                read_timeout=self._timeouts.read_s,
                retries={"mode": "standard", "total_max_attempts": 1},
                # A proxy of the environment is for other machines.
                proxies={} if (self._access.endpoint or "").startswith("http:") else None,
            )
            with self._making:
                made = self._session.client(service, endpoint_url=self._access.endpoint, config=config)
            # The environment and the configuration file can name another address, too.
            check_url(made.meta.endpoint_url)
            self._clients[service] = made
        return self._clients[service]

    def close(self) -> None:
        """Close the connections that are kept open."""
        for client in self._clients.values():
            client.close()
        self._clients.clear()


@contextlib.contextmanager
def _credentials_had() -> Iterator[None]:
    """Say it in our words where the SDK cannot get credentials."""
    import botocore.exceptions as said

    try:
        yield
    except (
        said.NoCredentialsError,
        said.PartialCredentialsError,
        said.CredentialRetrievalError,
        said.ProfileNotFound,
        said.ConfigParseError,
        said.TokenRetrievalError,
        said.SSOError,
    ) as error:
        raise CredentialsMissing(
            f"AWS credentials could not be had ({error}): log in again, or name a profile that "
            "`aws configure list-profiles` shows."
        ) from None


@cache
def _loader() -> Any:
    from botocore.loaders import create_loader

    return create_loader()


def _said(response: Any) -> Failure:
    error, metadata = response.get("Error", {}), response.get("ResponseMetadata", {})
    status = metadata.get("HTTPStatusCode")
    code = str(error.get("Code") or "")
    if code.isdigit():
        # An answer without a code is given its status for one.
        code = ""
    return Failure(str(error.get("Message") or ""), code, status, metadata.get("RequestId"))


def _first_line(text: str) -> str:
    """The SDK puts the whole answer behind what it says of one that it cannot read."""
    return text.split("\n", 1)[0].split(", invalid XML received", 1)[0]


def _silence() -> None:
    """Keep its log from the screen and from others' logs: it holds signed requests."""
    for name in ("boto3", "botocore"):
        logging.getLogger(name).propagate = False
