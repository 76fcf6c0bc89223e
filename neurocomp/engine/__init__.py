"""The fast simulator: the oracle's spikes, event-driven, on all cores."""

from neurocomp.engine.result import Keep, Result, spikes
from neurocomp.engine.simulate import Engine, active, simulate, stream

__all__ = ["Engine", "Keep", "Result", "active", "simulate", "spikes", "stream"]
