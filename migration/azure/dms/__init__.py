"""Database Migration Service: a Single Server, or any MySQL, to a Flexible Server."""
