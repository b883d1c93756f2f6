"""The vault that needs nothing but a folder."""
