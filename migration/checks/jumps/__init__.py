"""What changes from one server version to another, as data."""
