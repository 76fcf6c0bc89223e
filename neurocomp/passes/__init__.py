"""Passes: valid graph in, valid graph out, the same function computed.

`REWRITES` run on every imported graph, in this order; `PASSES` lists all there are.
"""

from neurocomp.passes.concat_after_neurons import ConcatAfterNeurons
from neurocomp.passes.drop_unused import DropUnused
from neurocomp.passes.fold_affine import FoldAffine
from neurocomp.passes.half_threshold import HalfThreshold
from neurocomp.passes.max_pool_and_affine import AffineAfterMaxPool, AffineBeforeMaxPool
from neurocomp.passes.normalise import Normalise
from neurocomp.passes.pass_ import Pass
from neurocomp.passes.relu_before_max_pool import ReluBeforeMaxPool

REWRITES: tuple[Pass, ...] = (
    DropUnused(),
    FoldAffine(),
    AffineAfterMaxPool(),
    AffineBeforeMaxPool(),
    ReluBeforeMaxPool(),
    ConcatAfterNeurons(),
)
PASSES: tuple[type[Pass], ...] = (
    DropUnused,
    FoldAffine,
    AffineAfterMaxPool,
    AffineBeforeMaxPool,
    ReluBeforeMaxPool,
    ConcatAfterNeurons,
    Normalise,
    HalfThreshold,
)

__all__ = [
    "PASSES",
    "REWRITES",
    "AffineAfterMaxPool",
    "AffineBeforeMaxPool",
    "ConcatAfterNeurons",
    "DropUnused",
    "FoldAffine",
    "HalfThreshold",
    "Normalise",
    "Pass",
    "ReluBeforeMaxPool",
]
