"""Changing an instance where it is, on its standby first: what `rds_multi_az` is made of."""
