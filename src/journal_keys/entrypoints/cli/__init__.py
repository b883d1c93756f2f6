"""The journal-keys command."""
