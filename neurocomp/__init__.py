"""Compile a trained network to a neuromorphic chip and prove the result."""
