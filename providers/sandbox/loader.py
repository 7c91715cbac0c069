"""Running a program with the libraries that were unpacked with it, so that the host's own never matter."""

from __future__ import annotations

from pathlib import Path

LIBRARIES = Path("usr/lib/x86_64-linux-gnu")


def loader(prefix: Path) -> list[str]:
    """The command that runs a program with the libraries below `prefix` and no others."""
    libraries = prefix / LIBRARIES
    places = (
        libraries / "ld-linux-x86-64.so.2",
        prefix / "usr/lib64/ld-linux-x86-64.so.2",
        *libraries.glob("ld-2.*.so"),
    )
    found = next((place for place in places if place.exists()), places[0])
    return [str(found), "--inhibit-cache", "--library-path", str(libraries)]
