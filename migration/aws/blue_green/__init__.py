"""A Blue/Green deployment, with what it lacks: the rows proved equal before the switch, and a way back after it."""
