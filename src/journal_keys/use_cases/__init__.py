"""Verbs, one a file: on ports and policies only."""
