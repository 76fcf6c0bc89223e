"""Float network + target -> the same network in the chip's integers, with a proof of its range."""

from neurocomp.quantize.quantize import Quantized, quantize
from neurocomp.quantize.rounding import Rounding

__all__ = ["Quantized", "Rounding", "quantize"]
