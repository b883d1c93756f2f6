"""Every port in memory, for tests and for state that dies with the process."""
