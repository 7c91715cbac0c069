"""The simulated RDS, as for the runbook that promotes first."""

from __future__ import annotations

from migration.rehearsed.rds_promote_first import CHOICES, ENGINES, cloud, needs, secrets, sides

__all__ = ["CHOICES", "ENGINES", "cloud", "needs", "secrets", "sides"]
