"""Names under aliases: what a shared screen and a report show instead of hosts, accounts, databases and tables."""
