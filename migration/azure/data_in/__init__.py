"""Following by the servers' own replication, through the service's procedures for data-in replication."""
