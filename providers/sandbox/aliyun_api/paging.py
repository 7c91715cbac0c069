"""Lists that are answered page by page."""

from __future__ import annotations

from collections.abc import Sequence

from providers.sandbox.aliyun_api.refusals import bad_parameter
from providers.sandbox.aliyun_api.state import Body, Parameters

_MOST = 500


def page(items: Sequence[Body], given: Parameters, number_name: str = "PageNumber") -> tuple[list[Body], Body]:
    """The page that was asked for, and what says which one it is and how many entries there are in all.

    Raises:
        Refused: the page's number or size is no such thing.
    """
    number, size = _whole(given, number_name, 1), _whole(given, "PageSize", 30)
    found = list(items[(number - 1) * size : number * size])
    return found, {"PageNumber": number, "PageRecordCount": len(found), "TotalRecordCount": len(items)}


def _whole(given: Parameters, name: str, usual: int) -> int:
    text = given.get(name, str(usual))
    if not text.isdecimal() or not 1 <= int(text) <= _MOST:
        raise bad_parameter(name)
    return int(text)
