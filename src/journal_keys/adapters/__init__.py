"""Translators between a port and one technology."""
