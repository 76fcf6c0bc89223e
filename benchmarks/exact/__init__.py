"""The engine against the oracle on trained networks, with `==`."""
