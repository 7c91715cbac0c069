"""What the runbooks of Microsoft Azure have in common: the account, its servers, and what is done to them."""
