"""The certificate authorities of RDS, which no operating system knows: a file that the operator has to fetch once."""

from __future__ import annotations

import ssl
from pathlib import Path

from providers.aws.errors import BundleMissing

# RDS User Guide, "Using SSL/TLS to encrypt a connection to a DB instance or cluster", certificate bundles.
_EVERYWHERE = "https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem"
_US_GOV = "https://truststore.pki.us-gov-west-1.rds.amazonaws.com/global/global-bundle.pem"
_CHINA = "https://rds-truststore.s3.cn-north-1.amazonaws.com.cn/global/global-bundle.pem"


def bundle_url(region: str) -> str:
    """Where AWS publishes the file for a region."""
    if region.startswith("us-gov-"):
        return _US_GOV
    return _CHINA if region.startswith("cn-") else _EVERYWHERE


def checked_bundle(path: Path, region: str) -> str:
    """The file's name, as connections take it.

    With it, connections can be held to the endpoint's own name (`verify_identity`); a name of one's own that leads to
    the endpoint is in no certificate.

    Raises:
        BundleMissing: there is no such file, or no certificate in it.
    """
    remedy = f"Get it with: curl -o {path} {bundle_url(region)}"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(path)
    except OSError as error:
        # ssl.SSLError is one, too: a file that holds no certificate.
        raise BundleMissing(f"{path} with RDS's certificate authorities cannot be used ({error}). {remedy}") from error
    if not context.cert_store_stats()["x509_ca"]:
        raise BundleMissing(f"{path} holds no certificate authority. {remedy}")
    return str(path)
