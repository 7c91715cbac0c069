"""What the runbooks of Amazon RDS are made of, beside the servers' own replication."""
