"""The vendor's SDK, imported when the first request is made, and what has to be mended in it.

It signs and sends; addresses, retries, what is an error and what is shown of it are decided outside. Its faults are
described for aliyun-python-sdk-core 2.16.
"""

from __future__ import annotations

import logging
import ssl
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from providers.aliyun.actions import Action
from providers.aliyun.credentials import Credentials
from providers.aliyun.errors import Failure
from providers.calling.addresses import is_loopback
from providers.calling.patience import Timeouts


@dataclass(frozen=True)
class _Sdk:
    """The classes that are used of it; it has no types."""

    client: Any
    request: Any
    https: Any
    refused: type[Exception]
    failed: type[Exception]


class Transport:
    """Signs requests with one set of credentials and sends them to one address, each exactly once."""

    def __init__(self, url: str, region: str, credentials: Credentials, timeouts: Timeouts) -> None:
        self.credentials = credentials
        self._url = url
        # With the key given here the SDK looks for none in the environment.
        self._client = _sdk().client(
            credentials.access_key_id.reveal(),
            credentials.access_key_secret.reveal(),
            region,
            auto_retry=False,
            connect_timeout=timeouts.connect_s,
            timeout=timeouts.read_s,
            proxy=proxies(url),
        )

    def send(self, action: Action, body: Mapping[str, str]) -> bytes | Failure:
        """Post a request: the body of an answer with status 2xx, or how it failed. The words are not redacted yet."""
        sdk = _sdk()
        request = sdk.request(self._url, action.product.version, action.name, product=action.product.name)
        request.set_method("POST")
        if self._url.startswith("https:"):
            # The SDK compares the value by identity and sends plain text for any other.
            request.set_protocol_type(sdk.https)
        # In the body nothing of it gets into addresses, which errors and logs of the SDK quote.
        for name, value in body.items():
            request.add_body_params(name, value)
        if self.credentials.security_token:
            request.add_query_param("SecurityToken", self.credentials.security_token.reveal())
        try:
            answer: bytes = self._client.do_action_with_exception(request)
        except (sdk.refused, sdk.failed) as error:
            return _failure(error)
        except IndexError:
            # It takes a refused signature apart at a colon that is not always there.
            return Failure("The signature was refused", "SignatureDoesNotMatch", 400)
        except (ValueError, TypeError, AttributeError, RecursionError) as error:
            return Failure(f"What was answered cannot be read ({type(error).__name__})")
        return answer

    def close(self) -> None:
        """Close the connections that are kept open."""
        self._client.session.close()


def proxies(url: str) -> dict[str, str | None]:
    """The proxy for an address, as the environment names it; the SDK alone would not look at NO_PROXY."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if is_loopback(host) or urllib.request.proxy_bypass(host):
        return {"http": None, "https": None}
    named = urllib.request.getproxies()
    return {"http": None, "https": named.get("https")}


def _failure(error: Any) -> Failure:
    status = error.get_http_status() if hasattr(error, "get_http_status") else None
    request_id = error.get_request_id() if hasattr(error, "get_request_id") else None
    return Failure(_text(error.get_error_msg()), _text(error.get_error_code()), status, _text(request_id) or None)


def _text(value: object) -> str:
    return "" if value is None else str(value)


@cache
def _sdk() -> _Sdk:
    from aliyunsdkcore.acs_exception.exceptions import ClientException, ServerException
    from aliyunsdkcore.client import AcsClient
    from aliyunsdkcore.http import protocol_type
    from aliyunsdkcore.request import CommonRequest

    _silence()
    _name_hosts()
    return _Sdk(AcsClient, CommonRequest, protocol_type.HTTPS, ServerException, ClientException)


def _silence() -> None:
    """Keep its log from the screen and from others' logs: it holds addresses with keys and signatures."""
    logging.getLogger("aliyunsdkcore").propagate = False
    response = logging.getLogger("aliyunsdkcore.http.http_response")
    for handler in tuple(response.handlers):
        response.removeHandler(handler)


def _name_hosts() -> None:
    """Have TLS say which host is wanted: from Python 3.12 on the copy of urllib3 inside takes it for impossible."""
    from aliyunsdkcore.vendored.requests.packages.urllib3 import util
    from aliyunsdkcore.vendored.requests.packages.urllib3.util import ssl_

    ssl_.HAS_SNI = util.HAS_SNI = ssl.HAS_SNI
