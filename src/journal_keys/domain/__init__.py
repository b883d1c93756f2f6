"""What keys are and how they may change: pure, synchronous, standard library only."""
