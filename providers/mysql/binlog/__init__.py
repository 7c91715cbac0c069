"""A server's binary log, read as a replica reads it: which rows of which tables were touched, and by what."""
