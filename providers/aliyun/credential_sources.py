"""Access keys from the usual places, without a secret ever on a command line."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from providers.aliyun.credentials import Credentials, CredentialSource, from_texts
from providers.aliyun.errors import CredentialsMissing
from providers.aliyun.instance_role import InstanceRole

KEYRING_SERVICE = "mysql-cutover"
_PREFIXES = ("ALIBABA_CLOUD_", "ALIBABACLOUD_", "ALICLOUD_", "ALIYUN_")
_ID, _SECRET, _TOKEN = "ACCESS_KEY_ID", "ACCESS_KEY_SECRET", "SECURITY_TOKEN"
_PROFILE = "ALIBABA_CLOUD_PROFILE"


def find(wish: str = "") -> CredentialSource:
    """Where credentials come from.

    Args:
        wish: `environment`, `profile[:NAME]`, `keyring[:NAME]` or `instance-role[:ROLE]`; empty for the first of
            them, in this order, that has any.

    Raises:
        CredentialsMissing: there are none; the sentence says where they were looked for.
    """
    sources: dict[str, Callable[[str], CredentialSource]] = {
        "environment": lambda _: environment,
        "profile": profile,
        "keyring": keyring,
        "instance-role": InstanceRole,
    }
    kind, _, name = wish.partition(":")
    if wish and kind not in sources:
        # What was given is not repeated: it may be a key.
        raise CredentialsMissing(f"That is no source of credentials: choose one of {', '.join(sources)}.")
    tried = []
    for chosen in [kind] if wish else list(sources):
        try:
            source = sources[chosen](name)
            source()
        except CredentialsMissing as error:
            # A half of a key in the environment is a mistake, not a reason to act as somebody else.
            if wish or (chosen == "environment" and _in_environment()):
                raise
            tried.append(str(error))
        else:
            return source
    raise CredentialsMissing(" ".join(("No credentials for Alibaba Cloud were found.", *tried)))


def environment() -> Credentials:
    """From ALIBABA_CLOUD_ACCESS_KEY_ID, ALIBABA_CLOUD_ACCESS_KEY_SECRET and ALIBABA_CLOUD_SECURITY_TOKEN, or the like.

    Raises:
        CredentialsMissing: none are set, or only a half of them.
    """
    prefix = _in_environment()
    if prefix is None:
        raise CredentialsMissing(f"The environment has no {_PREFIXES[0]}{_ID}.")
    for part in (_ID, _SECRET):
        if not os.environ.get(prefix + part):
            raise CredentialsMissing(f"The environment has a half of an access key only: set {prefix}{part}, too.")
    key, secret, token = (os.environ.get(prefix + part, "") for part in (_ID, _SECRET, _TOKEN))
    return from_texts(key, secret, token, f"environment ({prefix}{_ID})")


def _in_environment() -> str | None:
    """The prefix of the variables that are set."""
    return next((p for p in _PREFIXES if os.environ.get(p + _ID) or os.environ.get(p + _SECRET)), None)


def profile(name: str = "") -> CredentialSource:
    """From the aliyun command line's configuration, by default its current profile.

    The file is read anew for every request: whoever renews a temporary key writes it there.

    Raises:
        CredentialsMissing: there is no such profile, or it is of a kind that only the command line itself knows.
    """
    entry = _entry(name)
    if entry.get("mode") == "EcsRamRole":
        return InstanceRole(str(entry.get("ram_role_name") or ""))
    return lambda: _key_of(_entry(name))


def _entry(name: str) -> dict[str, Any]:
    path = _config()
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise CredentialsMissing(f"{path} cannot be read ({error.strerror}).") from None
    content = _parsed(text)
    wanted = name or os.environ.get(_PROFILE) or content.get("current")
    profiles = content.get("profiles")
    if not isinstance(profiles, list) or not all(isinstance(entry, dict) for entry in profiles):
        raise CredentialsMissing(f"{path} is not what `aliyun configure` writes: run it again.")
    found = [entry for entry in profiles if wanted and entry.get("name") == wanted]
    if not found:
        raise CredentialsMissing(f"{path} has no profile {wanted!r}: see `aliyun configure list`.")
    return dict(found[0])


def _parsed(text: str) -> dict[str, Any]:
    """The JSON object of a text, or an empty one; what is wrong with it is not told, as the text holds keys."""
    try:
        content = json.loads(text)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _key_of(entry: dict[str, Any]) -> Credentials:
    source = f"profile {entry['name']} of {_config()}"
    mode = entry.get("mode")
    key, secret, token = (entry.get(part) or "" for part in ("access_key_id", "access_key_secret", "sts_token"))
    if key and secret and (mode == "AK" or (mode == "StsToken" and token)):
        return from_texts(key, secret, token if mode == "StsToken" else None, source)
    raise CredentialsMissing(
        f"The {source} is of mode {mode} and holds no access key that can be used as it is: choose one of mode AK, "
        "StsToken or EcsRamRole, or set the environment's variables."
    )


def _config() -> Path:
    return Path.home() / ".aliyun" / "config.json"


def keyring(name: str = "") -> CredentialSource:
    """From the keyring, where `keyring set mysql-cutover aliyun:NAME` puts ID:SECRET or ID:SECRET:TOKEN.

    It is read once, since it may ask the operator.

    Raises:
        CredentialsMissing: there is no keyring, no such entry, or it is not of this form.
    """
    user = f"aliyun:{name or 'default'}"
    source = f"keyring ({KEYRING_SERVICE} {user})"
    advice = f"store ID:SECRET with `keyring set {KEYRING_SERVICE} {user}`"
    try:
        import keyring as rings
        from keyring.errors import KeyringError
    except ImportError:
        raise CredentialsMissing("No keyring is installed here.") from None
    try:
        value = rings.get_password(KEYRING_SERVICE, user)
    except KeyringError as error:
        raise CredentialsMissing(f"The keyring cannot be read ({type(error).__name__}).") from None
    if value is None:
        raise CredentialsMissing(f"There is no {source}: {advice}.")
    key, secret, token = (*value.split(":", 2), "", "")[:3]
    if not key or not secret:
        raise CredentialsMissing(f"The {source} is not of the form ID:SECRET: {advice}.")
    found = from_texts(key, secret, token, source)
    return lambda: found
