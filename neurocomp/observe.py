"""How long work tells of its progress."""

from collections.abc import Callable

Observe = Callable[[str, int, int], None]  # what is done, how much of it, of how much
