"""The same-name ending: nothing is deleted while what it holds could be lost."""

from __future__ import annotations

import pytest

from migration.azure import mover, release
from migration.azure.same_name import back_up, origin, replace, start
from migration.azure.services import CLASSIC, FLEXIBLE, SINGLE, service_of
from migration.azure.state import ENDING, SAME_NAME, login
from migration.model import Outcome
from migration.runbook import CloudFailed, StepFailed
from tests.migration.azure.conftest import Rent, following


def test_the_old_server_goes_only_when_everything_is_elsewhere(rent: Rent) -> None:
    with following(rent()) as one:
        one.chosen(ENDING, SAME_NAME)
        one.chosen("release", release.RELEASE)
        with pytest.raises(StepFailed, match="before it is a server of its own"):
            replace.apply(one.m)
        with pytest.raises(StepFailed, match="not deleted before that server has the writes"):
            release.apply(one.m)
        mover.switch(one.m, one.attempt())
        with pytest.raises(StepFailed, match="nothing is deleted without it"):
            replace.apply(one.m)
        back_up.apply(one.m)
        assert back_up.probe(one.m).outcome is Outcome.DONE
        one.m.target.change("REPLACE INTO shop.orders VALUES (77, 'too late')")
        with pytest.raises(StepFailed, match="Somebody wrote on source-tier"):
            replace.apply(one.m)
        assert start.probe(one.m).outcome is Outcome.NOT_DONE
        assert one.made("flexible:Servers_Delete") == 0
        assert not replace.handed_over(one.m)


def test_a_moment_is_put_down_once(rent: Rent) -> None:
    with following(rent()) as one:
        one.chosen(ENDING, SAME_NAME)
        origin.remember(one.m, one.m.target)
        first = origin.moment(one.m)
        back_up.apply(one.m)
        assert origin.moment(one.m) == first


@pytest.mark.parametrize(
    ("user", "becomes"), [("admin", "admin"), ("old%admin", "new%admin"), ("admin@old", "admin@new"), ("old", "old")]
)
def test_the_name_of_the_server_in_a_login_follows_it(user: str, becomes: str) -> None:
    assert login(user, "old", "new") == becomes


def test_a_resource_tells_its_service(rent: Rent) -> None:
    group = "/subscriptions/1/resourceGroups/g/providers"
    for path, name in (
        ("Microsoft.MySql/servers/a", CLASSIC),
        ("microsoft.dbformysql/servers/a", SINGLE),
        ("Microsoft.DBforMySQL/flexibleServers/a", FLEXIBLE),
    ):
        found = service_of(f"{group}/{path}")
        assert found is not None
        assert found.name == name
    assert service_of("rm-bp1") is None
    with pytest.raises(CloudFailed, match="no way to carry out"):
        rent().account.run("az group delete")
