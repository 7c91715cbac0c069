"""Lists are complete, or an error says that they are not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from providers.aliyun import dts, rds
from providers.aliyun.client import Client
from providers.aliyun.errors import NoAnswer
from tests.providers.aliyun.samples import RM
from tests.support.aliyun_http import AliyunServer, Seen

NAMES = [f"db{number}" for number in range(23)]


def databases(page_size: int) -> Callable[[Seen], dict[str, Any]]:
    """A list that comes in pages smaller than what is asked for, and without a total."""

    def answer(seen: Seen) -> dict[str, Any]:
        start = (int(seen.body["PageNumber"]) - 1) * page_size
        return {"Databases": {"Database": [{"DBName": name} for name in NAMES[start : start + page_size]]}}

    return answer


@pytest.mark.parametrize("page_size", [1, 7, 23, 100])
def test_a_list_without_a_total_is_read_to_its_end(page_size: int, server: AliyunServer, client: Client) -> None:
    server.answers["DescribeDatabases"] = databases(page_size)
    assert [database.name for database in rds.databases(client, RM)] == NAMES


def test_a_server_that_knows_no_pages_gives_its_list_once(server: AliyunServer, client: Client) -> None:
    server.answers["DescribeDatabases"] = {"Databases": {"Database": [{"DBName": name} for name in NAMES]}}
    assert [database.name for database in rds.databases(client, RM)] == NAMES


def accounts(given: int, total: int | str | None) -> Callable[[Seen], dict[str, Any]]:
    def answer(seen: Seen) -> dict[str, Any]:
        start = (int(seen.body["PageNumber"]) - 1) * 30
        items = [{"AccountName": f"a{number}"} for number in range(start, min(start + 30, given))]
        return {"TotalRecordCount": total, "Accounts": {"DBInstanceAccount": items}}

    return answer


@pytest.mark.parametrize("total", [70, "70", None])
def test_a_list_is_as_long_as_its_total(total: int | str | None, server: AliyunServer, client: Client) -> None:
    server.answers["DescribeAccounts"] = accounts(70, total)
    assert [account.name for account in rds.accounts(client, RM)] == [f"a{number}" for number in range(70)]


def test_a_list_shorter_than_its_total_is_an_error(server: AliyunServer, client: Client) -> None:
    server.answers["DescribeAccounts"] = accounts(70, 71)
    with pytest.raises(NoAnswer, match="ended after 70 entries and is not complete"):
        rds.accounts(client, RM)


def test_an_empty_list_is_empty(server: AliyunServer, client: Client) -> None:
    server.answers["DescribeAccounts"] = accounts(0, 0)
    server.answers["DescribeDatabases"] = {"Databases": {"Database": []}}
    assert rds.accounts(client, RM) == ()
    assert rds.databases(client, RM) == ()


@pytest.mark.parametrize("page", [{}, {"Accounts": {}}, {"Accounts": []}, {"Accounts": {"DBInstanceAccount": ["a"]}}])
def test_a_missing_list_is_not_an_empty_one(page: dict[str, Any], server: AliyunServer, client: Client) -> None:
    server.answers["DescribeAccounts"] = page
    with pytest.raises(NoAnswer, match=r"no list Accounts\.DBInstanceAccount"):
        rds.accounts(client, RM)


def test_tasks_are_found_on_either_side_and_once(server: AliyunServer, client: Client) -> None:
    tasks = {
        ("SYNC", "srcRds"): [{"DtsJobId": "out"}, {"DtsJobId": "both"}],
        ("SYNC", "rds"): [{"DtsJobId": "both"}, {"DtsJobId": "in"}],
        ("SUBSCRIBE", "srcRds"): [{"DtsJobId": "feed"}],
    }

    def answer(seen: Seen) -> dict[str, Any]:
        listed = tasks.get((seen.body["JobType"], seen.body["Type"]), [])
        return {"Success": True, "TotalRecordCount": len(listed), "DtsJobList": listed}

    server.answers["DescribeDtsJobs"] = answer
    assert [job.job_id for job in dts.jobs(client, RM)] == ["out", "both", "in", "feed"]
    assert {seen.body["Region"] for seen in server.seen} == {"cn-hangzhou"}
