"""Whether a call was signed with the account's key, by AWS's own rules (Signature Version 4)."""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass

from providers.sandbox.api.http import Request
from providers.sandbox.api.keys import AccessKey
from providers.sandbox.api.refusals import Refused

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/]+)/(?P<day>\d{8})/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request, *"
    r"SignedHeaders=(?P<headers>[^,]+), *Signature=(?P<signature>[0-9a-f]{64})"
)


@dataclass(frozen=True)
class Verifier:
    """Tells whose calls are answered."""

    key: AccessKey
    region: str

    def service(self, request: Request) -> str:
        """The name of the service for which a request is signed, as signatures have it.

        Raises:
            Refused: it is not signed, or not with this key, or for another region.
        """
        found = _AUTHORIZATION.fullmatch(request.headers.get("Authorization", ""))
        if found is None:
            raise Refused(403, "MissingAuthenticationToken", "Request is missing Authentication Token")
        if found["key"] != self.key.id:
            raise Refused(403, "InvalidClientTokenId", "The security token included in the request is invalid.")
        if found["region"] != self.region:
            raise Refused(
                403, "SignatureDoesNotMatch", f"Credential should be scoped to a valid region: {found['region']}"
            )
        if not hmac.compare_digest(self._signature(request, found), found["signature"]):
            raise Refused(
                403,
                "SignatureDoesNotMatch",
                "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
                "Access Key and signing method. Consult the service documentation for details.",
            )
        return found["service"]

    def _signature(self, request: Request, found: re.Match[str]) -> str:
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials

        signer = SigV4Auth(Credentials(self.key.id, self.key.secret.reveal()), found["service"], found["region"])
        signed = {name: request.headers.get(name, "") for name in found["headers"].split(";")}
        made = AWSRequest(method="POST", url=request.base + request.target, data=request.body, headers=signed)
        made.context["timestamp"] = request.headers.get("X-Amz-Date", "")
        text: str = signer.string_to_sign(made, signer.canonical_request(made))
        signature: str = signer.signature(text, made)
        return signature
