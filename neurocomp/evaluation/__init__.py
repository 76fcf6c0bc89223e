"""How good is a converted network: accuracy over steps and operations, and layer by layer."""

from neurocomp.evaluation.advice import advice
from neurocomp.evaluation.curve import Curve, interval, read
from neurocomp.evaluation.evaluate import Evaluation, evaluate, measure, to_json
from neurocomp.evaluation.layers import Layer
from neurocomp.evaluation.raster import Raster, rasters

__all__ = [
    "Curve",
    "Evaluation",
    "Layer",
    "Raster",
    "advice",
    "evaluate",
    "interval",
    "measure",
    "rasters",
    "read",
    "to_json",
]
