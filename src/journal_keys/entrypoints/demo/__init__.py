"""The demonstration: processes sign, verify, encrypt and decrypt while both rings rotate and rotators are killed."""
