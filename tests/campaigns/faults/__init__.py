"""Faults of every kind, thrown at a switch on real servers, and what must hold after each. See `__main__`."""
