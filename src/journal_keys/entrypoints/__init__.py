"""Where the outside world comes in: settings, façades, HTTP, command line."""
