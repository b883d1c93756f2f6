"""Infisical through its CLI v0.42.1, as a child process."""
