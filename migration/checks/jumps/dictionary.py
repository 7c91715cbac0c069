"""Tables that MySQL 8.0 makes in the database mysql for its data dictionary.

Taking over data files in which somebody has made one of these is refused; where rows are copied, the database mysql
stays behind.
"""

from __future__ import annotations

from migration.checks.jumps.spans import Number

SINCE: Number = (8, 0, 11)
PAGE = "MySQL 8.0 Reference Manual, Preparing Your Installation for Upgrade"
TABLES = frozenset({
    "catalogs", "character_sets", "check_constraints", "collations", "column_statistics", "column_type_elements",
    "columns", "dd_properties", "events", "foreign_key_column_usage", "foreign_keys", "index_column_usage",
    "index_partitions", "index_stats", "indexes", "parameter_type_elements", "parameters", "resource_groups",
    "routines", "schemata", "st_spatial_reference_systems", "table_partition_values", "table_partitions",
    "table_stats", "tables", "tablespace_files", "tablespaces", "triggers", "view_routine_usage", "view_table_usage",
})  # fmt: skip
