"""The two roles by which PolarDB and DTS reach the databases of a logical migration."""

from __future__ import annotations

from migration.aliyun.checks.asking import LOGICAL_ONLY, STEPS, account, answered, call_fix, unsaid
from migration.check import Fix, Pair, Result, Severity, check
from migration.checks.results import failed, passed, table
from migration.model import Side
from providers.aliyun import polardb, ram
from providers.aliyun.actions import DTS_POLICY, DTS_ROLE

_ATTACHED = f"policy {DTS_POLICY}"
_REACH = "DTS tasks of the whole account, which use this role"


@check(
    "polardb-role",
    "PolarDB's service-linked role",
    Side.CLOUD,
    Severity.BLOCKER,
    why="PolarDB creates and steers the DTS task of the migration by this role; without it the precheck fails.",
    asks="polardb:CheckServiceLinkedRole",
    routes=LOGICAL_ONLY,
    page=STEPS,
)
@answered
def polardb_role(pair: Pair) -> Result:
    """Fails where the account has no AliyunServiceRoleForPolarDB."""
    there = account(pair).read(polardb.has_service_linked_role)
    if there is None:
        return unsaid(f"whether the role {ram.POLARDB_ROLE} is there")
    if there:
        return passed("there")
    return failed(
        "missing",
        table(("role", "found"), [(ram.POLARDB_ROLE, "missing")]),
        f"Create {ram.POLARDB_ROLE} (the change shown here; or in the RAM console: Roles, Create Role, Create "
        "Service-linked Role). It costs nothing and lets nobody in but PolarDB itself. Nothing here takes it back: it "
        "stays, and while a cluster depends on it, it cannot be deleted.",
        call_fix(
            polardb.create_service_linked_role(),
            None,
            setting=f"role {ram.POLARDB_ROLE}",
            was="missing",
            becomes="there, for good",
            reach="PolarDB, in the whole account",
        ),
    )


@check(
    "dts-role",
    "DTS may reach the databases",
    Side.CLOUD,
    Severity.BLOCKER,
    why="DTS takes this role on to read the source and write the cluster; without it no row is copied.",
    asks="ram:GetRole, ram:ListPoliciesForRole",
    routes=LOGICAL_ONLY,
    page=STEPS,
)
@answered
def dts_role(pair: Pair) -> Result:
    """Fails where AliyunDTSDefaultRole is missing, has not its policy, or does not trust DTS."""
    asked = account(pair)
    role = asked.read(lambda client: ram.find_role(client, DTS_ROLE))
    if role is None:
        return failed(
            "missing",
            table(("what", "found"), [(DTS_ROLE, "missing")]),
            f"Create {DTS_ROLE} and attach its system policy (the changes shown here), or have the account's owner "
            "open the page Quick Authorization of DTS and submit it. Undone, the role is taken away again.",
            call_fix(
                ram.create_role(), ram.delete_role(), setting=f"role {DTS_ROLE}", was="missing", becomes="there",
                reach=_REACH,
            ),
            _attach(),
        )  # fmt: skip
    policies = asked.read(lambda client: ram.policies_of_role(client, DTS_ROLE))
    attached = any((one.name, one.kind) == (DTS_POLICY, ram.SYSTEM) for one in policies)
    trusted = ram.trusts(role.trust)
    words = {True: "yes", False: "no", None: "not certain"}
    evidence = table(
        ("what", "found"),
        [
            (_ATTACHED, words[attached]),
            (f"trusts {ram.DTS_SERVICE}", words[trusted]),
            ("trust policy", role.trust),
            ("its policies", ", ".join(f"{one.name} ({one.kind})" for one in policies)),
        ],
    )
    fixes = [] if attached else [_attach()]
    if trusted is False:
        fixes.append(_trust(role.trust))
    if not fixes:
        certain = trusted is not None
        return passed("there, with policy and trust", evidence) if certain else unsaid("whom the role trusts", evidence)
    wrong = ([] if attached else [f"has no {DTS_POLICY}"]) + (
        [f"does not trust {ram.DTS_SERVICE}"] if not trusted else []
    )
    return failed(
        " and ".join(wrong),
        evidence,
        "Make the changes shown here: DTS tasks that run go on meanwhile, and a trust policy is replaced by the one "
        "that DTS publishes. The provider's page has another way, which stops tasks that use the role: delete it in "
        f"the RAM console (Roles, {DTS_ROLE}, detach its policies, Delete Role), then authorize DTS again.",
        *fixes,
    )


def _attach() -> Fix:
    return call_fix(
        ram.attach_policy(), ram.detach_policy(DTS_ROLE, DTS_POLICY, ram.SYSTEM), setting=_ATTACHED, was="not attached",
        becomes="attached", reach=_REACH,
    )  # fmt: skip


def _trust(old: str | None) -> Fix:
    return call_fix(
        ram.repair_trust(), ram.repair_trust(trust=old or ram.DTS_TRUST), setting="trust policy",
        was=old or "-", becomes=ram.DTS_TRUST, reach=_REACH,
    )  # fmt: skip
