"""PolarDB 2017-08-01: endpoints and their addresses."""

from __future__ import annotations

from dataclasses import replace

from providers.sandbox.aliyun_api import beginnings
from providers.sandbox.aliyun_api.cloud import Cloud
from providers.sandbox.aliyun_api.gateway import Action
from providers.sandbox.aliyun_api.refusals import bad_parameter
from providers.sandbox.aliyun_api.state import Body, CloudEndpoint, Cluster, Parameters, new_id
from providers.sandbox.api.refusals import Refused

_MOST_CLUSTER_ENDPOINTS = 7


def actions(cloud: Cloud) -> dict[str, Action]:
    """The actions by name."""
    endpoints = _Endpoints(cloud)
    return {
        "DescribeDBClusterEndpoints": Action(("DBClusterId",), endpoints.describe),
        "CreateDBClusterEndpoint": Action(("DBClusterId", "EndpointType"), endpoints.create),
        "CreateDBEndpointAddress": Action(("DBClusterId", "NetType"), endpoints.create_address),
        "ModifyDBEndpointAddress": Action(("DBClusterId", "NetType"), endpoints.modify_address),
        "DescribeDBClusterSSL": Action(("DBClusterId",), endpoints.ssl),
    }


class _Endpoints:
    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def describe(self, given: Parameters) -> Body:
        cluster = self._cloud.cluster(given["DBClusterId"])
        wanted = given.get("DBEndpointId")
        nodes = ",".join(f"pi-{cluster.id[3:]}-{number}" for number in (1, 2))
        return {
            "Items": [
                {
                    "DBClusterId": cluster.id,
                    "DBEndpointId": one.id,
                    "EndpointType": one.kind,
                    "ReadWriteMode": one.mode,
                    "Nodes": nodes,
                    "AutoAddNewNodes": "Enable",
                    "EndpointConfig": "{}",
                    "DBEndpointDescription": one.description,
                    "AddressItems": [address.as_json() for address in one.addresses],
                }
                for one in cluster.endpoints
                if wanted in (None, one.id)
            ]
        }

    def create(self, given: Parameters) -> Body:
        self._cloud.once(given, lambda: self._make(given))
        return {}

    def _make(self, given: Parameters) -> str:
        cluster = self._cloud.running_cluster(given["DBClusterId"])
        if given["EndpointType"] != "Custom":
            raise bad_parameter("EndpointType")
        if sum(one.kind != "Primary" for one in cluster.endpoints) >= _MOST_CLUSTER_ENDPOINTS:
            raise Refused(403, "QuotaExceeded.Endpoint", "The endpoint quota is exceeded.")
        address = beginnings.address("Private", False, self._cloud.addresses.open, cluster.network)
        mode, words = given.get("ReadWriteMode", "ReadOnly"), given.get("DBEndpointDescription", "")
        made = CloudEndpoint(new_id("pe-"), "Custom", (address,), mode, words)
        self._cloud.add_endpoint(cluster.id, made)
        return made.id

    def create_address(self, given: Parameters) -> Body:
        cluster = self._cloud.running_cluster(given["DBClusterId"])
        if given["NetType"] != "Public":
            raise bad_parameter("NetType")
        endpoint = self._endpoint(cluster, given.get("DBEndpointId"))
        if any(one.net_type == "Public" for one in endpoint.addresses):
            raise Refused(
                400, "AtLeastOneNetTypeExists", "The specified endpoint already has an address of this network type."
            )
        address = beginnings.address("Public", False, self._cloud.addresses.open)
        self._cloud.add_endpoint(cluster.id, replace(endpoint, addresses=(*endpoint.addresses, address)))
        return {}

    def modify_address(self, given: Parameters) -> Body:
        cluster = self._cloud.running_cluster(given["DBClusterId"])
        endpoint = self._endpoint(cluster, given.get("DBEndpointId"))
        if not any(one.net_type == given["NetType"] for one in endpoint.addresses):
            raise Refused(
                404, "InvalidCurrentConnectionString.NotFound", "The specified connection string does not exist."
            )
        # An address of the sandbox is a place on this machine, which no prefix can rename.
        raise bad_parameter("ConnectionStringPrefix")

    def ssl(self, given: Parameters) -> Body:
        cluster = self._cloud.cluster(given["DBClusterId"])
        return {
            "Items": [
                {
                    "DBEndpointId": one.id,
                    "SSLEnabled": "Enabled" if address.ssl else "Disabled",
                    "SSLConnectionString": address.connection_string,
                    "SSLExpireTime": "",
                    "SSLAutoRotate": "Disable",
                }
                for one in cluster.endpoints
                for address in one.addresses[:1]
            ],
            "SSLAutoRotate": "Disable",
        }

    def _endpoint(self, cluster: Cluster, endpoint_id: str | None) -> CloudEndpoint:
        for one in cluster.endpoints:
            if one.id == endpoint_id or (endpoint_id is None and one.kind == "Cluster"):
                return one
        raise Refused(404, "InvalidDBEndpointId.NotFound", "The specified endpoint does not exist.")
