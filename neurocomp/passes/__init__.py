"""Passes: valid graph in, valid graph out, the same function computed.

`REWRITES` run on every imported graph, in this order; `PASSES` lists all there are.
"""

from neurocomp.passes.concat_after_neurons import ConcatAfterNeurons
from neurocomp.passes.drop_unused import DropUnused
from neurocomp.passes.fold_affine import FoldAffine
from neurocomp.passes.half_threshold import HalfThreshold
from neurocomp.passes.max_pool_and_affine import AffineAfterMaxPool, AffineBeforeMaxPool
from neurocomp.passes.max_pool_as_relus import MaxPoolAsRelus
from neurocomp.passes.max_pool_gate import MaxPoolGate
from neurocomp.passes.max_pool_on_drive import MaxPoolOnDrive
from neurocomp.passes.normalise import Normalise
from neurocomp.passes.pass_ import Pass
from neurocomp.passes.poisson_input import PoissonInput
from neurocomp.passes.relay_linear import RelayLinear
from neurocomp.passes.relu_before_max_pool import ReluBeforeMaxPool
from neurocomp.passes.reset_to_zero import ResetToZero
from neurocomp.passes.split_range import SplitRange
from neurocomp.passes.sum_in_parts import SumInParts

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
    MaxPoolOnDrive,
    MaxPoolAsRelus,
    MaxPoolGate,
    RelayLinear,
    SumInParts,
    SplitRange,
    Normalise,
    HalfThreshold,
    ResetToZero,
    PoissonInput,
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
    "MaxPoolAsRelus",
    "MaxPoolGate",
    "MaxPoolOnDrive",
    "Normalise",
    "Pass",
    "PoissonInput",
    "RelayLinear",
    "ReluBeforeMaxPool",
    "ResetToZero",
    "SplitRange",
    "SumInParts",
]
