"""The checklists of the integration guide, each of their lines answered."""
