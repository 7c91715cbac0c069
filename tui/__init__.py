"""What the operator sees: the wizard and the `cutover` command line."""
