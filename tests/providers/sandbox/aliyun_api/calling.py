"""Calling the simulator with Alibaba Cloud's own SDK; every answer is compared with its skeleton."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aliyunsdkcore.acs_exception.exceptions import ServerException
from aliyunsdkcore.client import AcsClient
from aliyunsdkcore.request import CommonRequest

from providers.sandbox.aliyun_api.simulator import Access
from tests.providers.sandbox.aliyun_api.skeletons import strangers

VERSIONS = {
    "polardb": "2017-08-01",
    "rds": "2014-08-15",
    "dts": "2020-01-01",
    "ram": "2015-05-01",
    "resourcemanager": "2020-03-31",
}


class Caller:
    """A client of one simulator."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._client = AcsClient(
            access.key.id,
            access.key.secret.reveal(),
            access.region,
            auto_retry=False,
            timeout=30,
            proxy={"http": None, "https": None},
        )

    def __call__(self, action: str, **parameters: str) -> dict[str, Any]:
        """The answer of `product:Action`; raises what the SDK raises."""
        product, _, name = action.partition(":")
        request = CommonRequest(domain=self._access.url, version=VERSIONS[product], action_name=name, product=product)
        request.set_method("POST")
        for key, value in parameters.items():
            request.add_body_params(key, value)
        answer: dict[str, Any] = json.loads(self._client.do_action_with_exception(request))
        assert strangers(action, answer) == []
        return answer

    def refused(self, action: str, **parameters: str) -> str:
        """The status and code with which a call is refused, such as `400 EngineMigration.NotExist`."""
        with pytest.raises(ServerException) as caught:
            self(action, **parameters)
        return f"{caught.value.get_http_status()} {caught.value.get_error_code()}"
