"""The status page: what an operator has to know, on one page without a script."""
