"""Logging in to an instance with an IAM token in place of a password."""

from __future__ import annotations

from providers.aws.client import Client
from providers.aws.errors import BadEndpoint
from providers.mysql.endpoint import Account, Endpoint, TlsMode

_ENCRYPTED = (TlsMode.REQUIRED, TlsMode.VERIFY_CA, TlsMode.VERIFY_IDENTITY)


def login(client: Client, endpoint: Endpoint) -> Account:
    """The endpoint's user with a token for a password, made here without asking AWS; it lets in for 15 minutes.

    It only works with the instance's own endpoint, for a user created with AWSAuthenticationPlugin, and where
    `rds-db:connect` is allowed for that user.

    Raises:
        BadEndpoint: the endpoint is not always encrypted: a server that is not the instance could ask for the token in
            plain text and get it.
        CredentialsMissing: temporary credentials could not be renewed.
    """
    if endpoint.tls not in _ENCRYPTED:
        raise BadEndpoint(
            f"A login token is not sent to {endpoint.name} without TLS: choose the mode verify_identity for it."
        )
    user = endpoint.account.user
    return Account(user, client.login_token(endpoint.host, endpoint.port, user))
