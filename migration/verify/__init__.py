"""Proving that two servers hold the same rows, while writes go on, and at the moment of the cutover."""
