"""Reading the pages that show operators what to allow."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from providers.calling.tiers import Tier

_DOCS = Path(__file__).parents[2] / "docs"


class Page:
    """One of `docs`: a JSON document under a heading for each tier, and a table with a row for each call."""

    def __init__(self, name: str) -> None:
        self._text = (_DOCS / name).read_text(encoding="utf-8")

    def document(self, tier: Tier) -> Any:
        """What stands under the heading of a tier."""
        shown = re.search(rf"^## {tier.value.capitalize()}$.*?^```json$(.*?)^```$", self._text, re.M | re.S)
        assert shown
        return json.loads(shown[1])

    def rows(self) -> list[str]:
        """The table's rows, sorted."""
        return sorted(line for line in self._text.splitlines() if re.match(r"\| (observe|migrate|release) \|", line))
