"""`python -m journal_keys` is `journal-keys`."""

from journal_keys.entrypoints.cli.main import main

if __name__ == "__main__":
    main()
