"""What an operator asks, and the words in which page and terminal answer."""
