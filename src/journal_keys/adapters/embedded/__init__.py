"""What needs nothing but a folder: sealed files of this host, the vault and the snapshot."""
