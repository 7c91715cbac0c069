"""The steps that runbooks are made of, one file a step: probe, apply, undo."""
