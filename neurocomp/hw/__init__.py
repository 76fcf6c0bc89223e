"""Chips as data: what a target can express, its limits, and its network of cores."""
