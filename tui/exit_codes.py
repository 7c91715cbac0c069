"""What `cutover` says by its exit code. Stated in the README; never change the meaning of one."""

from __future__ import annotations

OK = 0
WARNINGS = 1
FAILED = 1
BLOCKED = 2
USAGE = 2
UNKNOWN = 3
CANNOT_START = 4

DIFFERENT = 1
UNPROVED = 2
"""Of `cutover verify`, whose OK means identical."""
