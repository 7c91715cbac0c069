"""What the simulated clouds have in common: their HTTP server, clock, addresses, faults and way in for tests."""
