"""The vendor's packages are imported when the first request is made, and not before."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
PROGRAM = """
import sys
from providers.azure import classic, datain, datamigration, flexible, single
from providers.azure.client import Client
from providers.azure.clouds import at
from providers.azure.credentials import StaticToken
from providers.azure.places import Place
from providers.mysql.endpoint import Secret
Client(at("http://127.0.0.1:9"), StaticToken(Secret("x")))
flexible.promote_replica(Place("s", "g", "n")).shown()
print(sorted(name for name in sys.modules if name.split(".")[0] in ("azure", "msrest", "msal", "requests")))
"""


def test_nothing_is_imported_before_it_is_needed() -> None:
    found = subprocess.run([sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"
