"""What instances share through Redis, none of it needed: sealed secrets, hints, courtesy leases."""
