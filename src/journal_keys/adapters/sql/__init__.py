"""The ledger in SQL."""
