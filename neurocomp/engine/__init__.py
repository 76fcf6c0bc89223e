"""The fast simulator: the oracle's spikes, event-driven, on all cores."""

from neurocomp.engine.result import Keep, Result, packed, spikes, spikes_in
from neurocomp.engine.simulate import Engine, Loaded, active, load, simulate, stream

__all__ = [
    "Engine",
    "Keep",
    "Loaded",
    "Result",
    "active",
    "load",
    "packed",
    "simulate",
    "spikes",
    "spikes_in",
    "stream",
]
