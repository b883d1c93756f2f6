"""The reference under docs/reference, written from the code."""
