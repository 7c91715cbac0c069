"""RDS 2014-08-15: the source instance, its whitelists, accounts and parameters, and its release."""

from __future__ import annotations

from dataclasses import replace

from providers.sandbox import passwords
from providers.sandbox.aliyun_api.cloud import Cloud, require_inactive
from providers.sandbox.aliyun_api.gateway import Action, Product
from providers.sandbox.aliyun_api.paging import page
from providers.sandbox.aliyun_api.refusals import bad_parameter
from providers.sandbox.aliyun_api.stamps import stamp
from providers.sandbox.aliyun_api.state import (
    POLARDB_ROLE,
    VPC,
    VSWITCH,
    Body,
    Instance,
    Parameters,
    changed_groups,
    new_id,
    system_accounts,
)
from providers.sandbox.api.refusals import Refused

_STORAGE_GB = 100
_SIZES = "SELECT COALESCE(SUM(data_length), 0), COALESCE(SUM(index_length), 0) FROM information_schema.tables"
_CREATED = "2024-05-01T02:03:04Z"
_SECURITY_LIMIT = 1000


def product(cloud: Cloud) -> Product:
    """All actions."""
    rds = _Rds(cloud)
    one = ("DBInstanceId",)
    actions = {
        "DescribeDBInstances": Action(("RegionId",), rds.instances),
        "DescribeDBInstanceAttribute": Action(one, rds.attribute),
        "DescribeDBInstanceNetInfo": Action(one, rds.net_info),
        "DescribeDBInstanceIPArrayList": Action(one, rds.whitelist),
        "ModifySecurityIps": Action(("DBInstanceId", "SecurityIps"), rds.change_whitelist),
        "DescribeDBInstanceTDE": Action(one, rds.tde),
        "DescribeDBInstanceSSL": Action(one, rds.ssl),
        "DescribeAccounts": Action(one, rds.accounts),
        "DeleteAccount": Action(("AccountName", "DBInstanceId"), rds.delete_account),
        "DescribeDatabases": Action(one, rds.databases),
        "DescribeParameters": Action(one, rds.parameters),
        "DescribeResourceUsage": Action(one, rds.usage),
        "DescribeBackupPolicy": Action(one, rds.backup_policy),
        "DescribeReadDBInstanceDelay": Action(("DBInstanceId", "ReadInstanceId"), rds.read_only_delay),
        "ModifyDBInstanceDeletionProtection": Action(("DBInstanceId", "DeletionProtection"), rds.protect),
        "DeleteDBInstance": Action(one, rds.release),
        "CheckServiceLinkedRole": Action(("RegionId", "ServiceLinkedRole"), rds.has_role),
    }
    return Product("rds", "2014-08-15", "rds.aliyuncs.com", actions)


class _Rds:
    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def instances(self, given: Parameters) -> Body:
        kinds = {"Primary": "", "Readonly": self._cloud.instance_id}
        found = [
            self._common(one)
            for one in self._cloud.instances.values()
            if given["RegionId"] == self._cloud.scenario.region
            and given.get("DBInstanceId", one.id) == one.id
            and given.get("Engine", "MySQL") == "MySQL"
            and one.primary_id == kinds.get(given.get("DBInstanceType", ""), one.primary_id)
        ]
        listed, where = page(found, given)
        return {"Items": {"DBInstance": listed}, **where}

    def attribute(self, given: Parameters) -> Body:
        instance, scenario = self._cloud.instance(given["DBInstanceId"]), self._cloud.scenario
        found = {
            **self._common(instance),
            "DBInstanceStorage": _STORAGE_GB,
            "DBInstanceDiskUsed": str(sum(self._sizes())),
            "DBInstanceCPU": "4",
            "DBInstanceClassType": "x",
            "CurrentKernelVersion": scenario.kernel,
            "LatestKernelVersion": scenario.kernel,
            "MaxConnections": 8000,
            "Port": str(self._cloud.rds_endpoints[0].addresses[0].port),
            "ProxyType": 2 if scenario.proxy_address else 0,
            "SuperPermissionMode": "default",
            "TimeZone": self._variable("time_zone"),
            "CreationTime": _CREATED,
        }
        # The list of instances has the time under another name.
        found.pop("CreateTime")
        return {"Items": {"DBInstanceAttribute": [found]}}

    def net_info(self, given: Parameters) -> Body:
        instance = self._cloud.instance(given["DBInstanceId"])
        # A read-only instance has its own endpoint among the source's.
        wanted = ("Primary", "Maxscale") if not instance.primary_id else ("ReadOnly",)
        found = [
            {
                "ConnectionString": address.connection_string,
                "ConnectionStringType": "ReadWriteSplitting" if one.kind == "Maxscale" else "Normal",
                "IPType": address.net_type,
                "IPAddress": address.ip,
                "Port": str(address.port),
                "VPCId": VPC if address.net_type == "Private" else "",
                "VSwitchId": VSWITCH if address.net_type == "Private" else "",
                "Upgradeable": "Disabled",
            }
            for one in self._cloud.rds_endpoints
            for address in one.addresses
            if one.kind in wanted and (not instance.primary_id or one.id.startswith(instance.id))
        ]
        return {
            "DBInstanceNetInfos": {"DBInstanceNetInfo": found},
            "InstanceNetworkType": "VPC",
            "SecurityIPMode": "normal",
        }

    def whitelist(self, given: Parameters) -> Body:
        instance = self._cloud.instance(given["DBInstanceId"])
        groups = [
            {
                "DBInstanceIPArrayName": name,
                "DBInstanceIPArrayAttribute": "hidden" if name.startswith("hdm_") else "",
                "SecurityIPType": "IPv4",
                "SecurityIPList": ",".join(listed),
            }
            for name, listed in instance.whitelist.items()
        ]
        return {"Items": {"DBInstanceIPArray": groups}}

    def change_whitelist(self, given: Parameters) -> Body:
        with self._cloud.lock:
            instance = self._cloud.instance(given["DBInstanceId"])
            if " " in given["SecurityIps"]:
                raise Refused(400, "InvalidSecurityIPs.Format", "The specified SecurityIPList is not valid.")
            name, mode = given.get("DBInstanceIPArrayName", "default").lower(), given.get("ModifyMode", "Cover")
            groups = changed_groups(instance.whitelist, name, given["SecurityIps"], mode)
            if sum(map(len, groups.values())) > _SECURITY_LIMIT:
                raise Refused(400, "InvalidSecurityIPs.QuotaExceeded", "The whitelist quota is exceeded.")
            self._cloud.put(replace(instance, whitelist=groups))
        return {"TaskId": new_id("")}

    def tde(self, given: Parameters) -> Body:
        self._cloud.instance(given["DBInstanceId"])
        state = "Enabled" if self._cloud.scenario.tde else "Disabled"
        listed = [{"DBName": name, "TDEStatus": state} for name in self._databases()]
        return {"TDEStatus": state, "TDEMode": "Aliyun_Generate_Key", "Databases": {"Database": listed}}

    def ssl(self, given: Parameters) -> Body:
        self._cloud.instance(given["DBInstanceId"])
        on = self._cloud.scenario.ssl
        return {
            "SSLEnabled": "Yes" if on else "No",
            "ConnectionString": self._cloud.rds_endpoints[0].addresses[0].connection_string if on else "",
            "SSLExpireTime": stamp(self._cloud.clock.now() + 365 * 86_400) if on else "",
            "RequireUpdate": "No",
            "ForceEncryption": "0",
        }

    def accounts(self, given: Parameters) -> Body:
        instance = self._cloud.instance(given["DBInstanceId"])
        wanted = given.get("AccountName")
        found: list[Body] = [
            {
                "AccountName": name,
                "AccountStatus": "Available",
                "AccountType": "Super" if name == passwords.ADMINISTRATOR else "Normal",
                "AccountDescription": "",
                "DBInstanceId": instance.id,
                "DatabasePrivileges": {"DatabasePrivilege": []},
            }
            for name in self._visible()
            if wanted in (None, name)
        ]
        listed, where = page(found, given)
        # This product does not say how long this page is.
        where.pop("PageRecordCount")
        return {"Accounts": {"DBInstanceAccount": listed}, **where}

    def delete_account(self, given: Parameters) -> Body:
        self._cloud.instance(given["DBInstanceId"])
        name = given["AccountName"]
        if name not in self._visible():
            raise Refused(404, "InvalidAccountName.NotFound", "The specified account name does not exist.")
        for (host,) in self._cloud.databases.ask(None, "SELECT host FROM mysql.user WHERE user = %s", (name,)):
            self._cloud.databases.order(None, "DROP USER %s@%s", (name, str(host)))
        return {}

    def databases(self, given: Parameters) -> Body:
        instance = self._cloud.instance(given["DBInstanceId"])
        listed = [
            {
                "DBName": name, "DBInstanceId": instance.id, "DBStatus": "Running", "Engine": "MySQL",
                "CharacterSetName": "utf8mb4", "DBDescription": "", "Accounts": {"AccountPrivilegeInfo": []},
            }
            for name in self._databases()
            if given.get("DBName", name) == name
        ]  # fmt: skip
        return {"Databases": {"Database": page(listed, given)[0]}}

    def parameters(self, given: Parameters) -> Body:
        self._cloud.instance(given["DBInstanceId"])
        running = [
            {"ParameterName": str(name), "ParameterValue": str(value), "ParameterDescription": ""}
            for name, value in (*self._ask("SHOW GLOBAL VARIABLES"), ("default_time_zone", self._variable("time_zone")))
        ]
        return {
            "Engine": "mysql",
            "EngineVersion": self._cloud.version,
            "RunningParameters": {"DBInstanceParameter": running},
            "ConfigParameters": {"DBInstanceParameter": []},
        }

    def usage(self, given: Parameters) -> Body:
        instance = self._cloud.instance(given["DBInstanceId"])
        size = sum(self._sizes())
        return {
            "DBInstanceId": instance.id, "Engine": "MySQL", "DiskUsed": size, "DataSize": size, "LogSize": -1,
            "SQLSize": -1, "BackupSize": -1,
        }  # fmt: skip

    def backup_policy(self, given: Parameters) -> Body:
        self._cloud.instance(given["DBInstanceId"])
        return {
            "LocalLogRetentionHours": 168, "LocalLogRetentionSpace": "30", "LogBackupLocalRetentionNumber": 60,
            "HighSpaceUsageProtection": "Enable",
        }  # fmt: skip

    def read_only_delay(self, given: Parameters) -> Body:
        primary = self._cloud.instance(given["DBInstanceId"])
        reader = self._cloud.instance(given["ReadInstanceId"])
        if reader.primary_id != primary.id:
            raise bad_parameter("ReadInstanceId")
        return {"DBInstanceId": primary.id, "ReadDBInstanceId": reader.id, "DelayTime": 0}

    def protect(self, given: Parameters) -> Body:
        with self._cloud.lock:
            instance = self._cloud.instance(given["DBInstanceId"])
            self._cloud.put(replace(instance, deletion_protection=given["DeletionProtection"].lower() == "true"))
        return {}

    def release(self, given: Parameters) -> Body:
        instance = self._cloud.instance(given["DBInstanceId"])
        disabled = "Specified action is disabled while custins is in engine migration."
        require_inactive(self._cloud, "EngineMigration.ActionDisabled", disabled)
        if given.get("ReleasedKeepPolicy", "None") not in ("None", "Lastest", "All"):
            raise Refused(400, "InvalidReleasedKeepPolicy.Format", "The specified ReleasedKeepPolicy is not valid.")
        if instance.deletion_protection:
            raise Refused(400, "OperationDenied.DeletionProtection", "The deletion protection is enabled.")
        if self._cloud.scenario.pay_type == "Prepaid":
            raise Refused(403, "OperationDenied.PrePayTypeNotSupported", "The pay type of the instance is Prepaid.")
        if instance.primary_id:
            raise bad_parameter("DBInstanceId")
        self._cloud.release_instance()
        return {"RegionId": self._cloud.scenario.region}

    def has_role(self, given: Parameters) -> Body:
        # In this product it is text.
        has = given["ServiceLinkedRole"] == POLARDB_ROLE and POLARDB_ROLE in self._cloud.roles
        return {"HasServiceLinkedRole": str(has).lower(), "RequireServiceLinkedRole": "true"}

    def _common(self, instance: Instance) -> Body:
        scenario = self._cloud.scenario
        readers = [one.id for one in self._cloud.instances.values() if one.primary_id == instance.id]
        return {
            "DBInstanceId": instance.id,
            "DBInstanceDescription": instance.id,
            "DBInstanceStatus": "Running",
            "DBInstanceType": "Readonly" if instance.primary_id else "Primary",
            "DBInstanceClass": "mysql.x4.large.2",
            "DBInstanceMemory": 16_384,
            "DBInstanceNetType": "Intranet",
            "DBInstanceStorageType": scenario.storage_type,
            "Category": scenario.category,
            "ConnectionMode": "Standard",
            "ConnectionString": self._cloud.rds_endpoints[0].addresses[0].connection_string,
            "CreateTime": _CREATED,
            "DeletionProtection": instance.deletion_protection,
            "Engine": "MySQL",
            "EngineVersion": instance.version,
            "ExpireTime": "",
            "InstanceNetworkType": "VPC",
            "LockMode": "Unlock",
            "MasterInstanceId": instance.primary_id,
            "PayType": scenario.pay_type,
            "ReadOnlyDBInstanceIds": {"ReadOnlyDBInstanceId": [{"DBInstanceId": one} for one in readers]},
            "RegionId": scenario.region,
            "ResourceGroupId": "rg-sandbox",
            "VpcId": VPC,
            "VSwitchId": VSWITCH,
            "ZoneId": f"{scenario.region}-h",
        }

    def _ask(self, statement: str) -> tuple[tuple[object, ...], ...]:
        return self._cloud.databases.ask(None, statement)

    def _databases(self) -> list[str]:
        own = ("mysql", "sys", "information_schema", "performance_schema")
        return [str(name) for (name,) in self._ask("SHOW DATABASES") if name not in own]

    def _variable(self, name: str) -> str:
        return str(self._ask(f"SELECT @@GLOBAL.{name}")[0][0])

    def _sizes(self) -> tuple[int, int]:
        data, index = self._ask(_SIZES)[0]
        return int(str(data)), int(str(index))

    def _visible(self) -> list[str]:
        """The accounts that the console shows: not the cloud's own."""
        own, extra = system_accounts(self._cloud.version)
        # What a release that has been upgraded since left behind is not listed either.
        shown = {"none": self._cloud.version != "5.6", "shown": True, "hidden": False}
        hidden = (own,) if shown[self._cloud.scenario.extra_account] else (own, extra)
        listed = (str(user) for (user,) in self._ask("SELECT DISTINCT user FROM mysql.user ORDER BY user"))
        return [user for user in listed if user not in hidden and not user.startswith(("mysql.", "mariadb.", "repl"))]
