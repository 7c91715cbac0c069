"""Rows as a server sends them in the binary protocol: read, compared and taken apart without a driver in between."""
