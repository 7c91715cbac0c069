"""Alibaba Cloud's part of a migration from RDS for MySQL to PolarDB; see `migration.runbooks.rds_to_polardb`."""
