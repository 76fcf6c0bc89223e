"""What the cost of the engine grows with."""
