"""The wizard in lines: the same steps and decisions without a screen, for screen readers, logs and dumb terminals."""
