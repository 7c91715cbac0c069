"""What `cutover doctor` says of credentials: each source by its name, what is missing, and what cures it.

No value is read out, nobody is asked, and nothing is sent: instance roles and what a keyring holds are left to the
migration that uses them.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from providers.aliyun import credential_sources as aliyun
from providers.aliyun.errors import CredentialsMissing
from providers.aliyun.instance_role import InstanceRole
from tui import config, profiles
from tui.looking import Row
from tui.text import clean, plural

# NONE: nothing is there, and nothing has to be.
OK, NONE, WARN, FAIL = "OK", "-", "WARN", "FAIL"
# Besides the tenant and the client, one of these makes a login: azure-identity, EnvironmentCredential.
_AZURE_PROOFS = ("AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_USERNAME")
_AZURE_IDENTITY = {
    "AZURE_FEDERATED_TOKEN_FILE": "workload identity",
    "IDENTITY_ENDPOINT": "managed identity",
    "MSI_ENDPOINT": "managed identity",
}
_FILE_OF = ("source_password_file", "target_password_file", "replication_password_file")


def found() -> Iterator[Row]:
    """Every source of credentials that this machine has or lacks."""
    yield _keyring()
    yield _aliyun()
    yield _aws(os.environ)
    yield _azure(os.environ)
    yield from _profiles()


def _keyring() -> Row:
    import keyring
    from keyring.backends import fail

    ring = keyring.get_keyring()
    if isinstance(ring, fail.Keyring):
        cure = "not needed: on a server name --access environment, profile:NAME or instance-role:NAME instead"
        return Row(NONE, "keyring", "none that works here", cure)
    return Row(OK, "keyring", f"{ring.name}; entries are looked for when a migration names one")


def _aliyun() -> Row:
    try:
        return Row(OK, "Alibaba Cloud", aliyun.environment().source)
    except CredentialsMissing as error:
        if "half" in str(error):
            return Row(WARN, "Alibaba Cloud", "environment, a half of an access key only", str(error))
    try:
        source = aliyun.profile()
        if isinstance(source, InstanceRole):
            return Row(OK, "Alibaba Cloud", "a profile that names an instance role, which is not asked here")
        return Row(OK, "Alibaba Cloud", source().source)
    except CredentialsMissing as error:
        cure = "aliyun configure, or set ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET"
        return Row(NONE, "Alibaba Cloud", f"nothing in the environment. {clean(str(error))}", cure)


def _aws(environment: Mapping[str, str]) -> Row:
    import botocore.exceptions
    import botocore.session

    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    there = [name for name in names if environment.get(name)]
    if len(there) == 1:
        lacks = next(name for name in names if name not in there)
        return Row(WARN, "AWS", f"environment, {there[0]} alone", f"set {lacks}, too, or unset {there[0]}")
    if there:
        return Row(OK, "AWS", f"environment ({there[0]})")
    try:
        listed = botocore.session.Session().available_profiles
    except botocore.exceptions.BotoCoreError as error:
        return Row(WARN, "AWS", f"its configuration cannot be read ({type(error).__name__})", "aws configure")
    if listed:
        more = f" and {plural(len(listed) - 3, 'more')}" if len(listed) > 3 else ""
        return Row(OK, "AWS", f"profiles of the AWS configuration: {', '.join(map(clean, listed[:3]))}{more}")
    return Row(NONE, "AWS", "nothing in the environment, no profile; an instance role is not asked", "aws configure")


def _azure(environment: Mapping[str, str]) -> Row:
    for name, what in _AZURE_IDENTITY.items():
        if environment.get(name):
            return Row(OK, "Azure", f"{what} ({name})")
    if environment.get("AZURE_CLIENT_ID"):
        if environment.get("AZURE_TENANT_ID") and any(environment.get(name) for name in _AZURE_PROOFS):
            return Row(OK, "Azure", "environment (AZURE_CLIENT_ID)")
        cure = f"set AZURE_TENANT_ID and one of {', '.join(_AZURE_PROOFS)}, too, or unset AZURE_CLIENT_ID"
        return Row(WARN, "Azure", "environment, a part of a login only", cure)
    accounts = _azure_accounts(environment)
    if accounts and shutil.which("az") is None:
        return Row(WARN, "Azure", "az login, but the az command is not found", "put az on the PATH")
    if accounts:
        return Row(OK, "Azure", f"az login, {plural(accounts, 'subscription')}")
    return Row(NONE, "Azure", "nothing in the environment, no az login; a managed identity is not asked", "az login")


def _azure_accounts(environment: Mapping[str, str]) -> int:
    """How many subscriptions `az login` has noted."""
    folder = environment.get("AZURE_CONFIG_DIR")
    path = (Path(folder) if folder else Path.home() / ".azure") / "azureProfile.json"
    try:
        noted = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError):
        return 0
    listed = noted.get("subscriptions") if isinstance(noted, dict) else None
    return len(listed) if isinstance(listed, list) else 0


def _profiles() -> Iterator[Row]:
    """The profiles, with the password files that they name."""
    try:
        for name in profiles.names():
            yield _profile(name)
    except config.BadConfig as error:
        yield Row(FAIL, "profiles", str(error), "correct that line")


def _profile(name: str) -> Row:
    what, settings = f"profile {clean(name)}", profiles.read(name)
    files = [Path(settings[key]) for key in _FILE_OF if key in settings]
    for path in files:
        try:
            mode = path.stat().st_mode
        except OSError as error:
            return Row(FAIL, what, f"{path} cannot be read ({error.strerror})", f"write the password into {path}")
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            return Row(WARN, what, f"others of this machine may read {path}", f"chmod 600 {path}")
    return Row(OK, what, f"{plural(len(files), 'password file')}, the other passwords are asked for")
