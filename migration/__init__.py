"""What is done and in which order: runbooks, checks, cutover, journal, runner."""
