"""What the operating system gives: clocks and random bytes."""
