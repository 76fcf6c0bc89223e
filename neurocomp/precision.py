"""What the chip's numbers cost each layer, and how near its membrane comes to their end."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Precision:
    """One population in the chip's numbers. None: it has no weights, or nothing was measured.

    Noise is None where there is none, too.
    """

    name: str
    weight_bits: int
    exponents: tuple[int, ...]  # of each projection into it
    weights_db: float | None  # signal to quantization noise of the weights
    drive_db: float | None  # of what spikes bring on the calibration samples
    clipped: float | None  # share of the weights beyond the largest level
    proved_bits: int  # that no input can make the membrane exceed
    peak: int | None  # greatest membrane on the calibration samples
    state_bits: int
    overflowed: float | None = None  # share of the sums on the samples that left these bits
