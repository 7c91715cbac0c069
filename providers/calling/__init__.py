"""What calls to any cloud have in common: how they fail, how often they are tried, what is read and what is shown."""
