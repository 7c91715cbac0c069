"""The commands of `cutover`, by what they are about."""
