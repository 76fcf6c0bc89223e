"""What to change when a conversion is bad."""

from collections.abc import Sequence

from neurocomp.evaluation.curve import Curve
from neurocomp.evaluation.layers import Layer

WORTH = 0.01  # accuracy lost by a layer that is worth a word
CLIPPED = 0.01  # share of activations beyond the range that is worth a word
QUIET = 0.05  # share of neurons that never fire that is worth a word
LIKE = 0.98  # correlation below which a layer is imprecise


def advice(layers: Sequence[Layer], curve: Curve) -> tuple[str, ...]:
    """Name the layer that loses most, and say of it and of others what would help."""
    lines: list[str] = []
    losing = [layer for layer in layers if layer.loss is not None and layer.loss >= WORTH]
    worst = max(losing, key=lambda layer: layer.loss or 0, default=None)
    if worst is not None:
        lost = f"{worst.name} loses most: {worst.loss or 0:.1%} of the samples"
        lines.append(f"{lost}; {_cure(worst)}")
    clipped = [layer for layer in layers if layer.saturated >= CLIPPED and layer is not worst]
    if clipped:
        most = max(clipped, key=lambda layer: layer.saturated)
        lines.append(
            f"{len(clipped)} more layers clip, most {most.name}: {most.saturated:.1%} of its "
            "activations; a higher --percentile or --headroom clips less"
        )
    if len(curve.right) > 2 and curve.right[-1] - curve.right[len(curve.right) // 2] > (
        WORTH * curve.samples
    ):
        lines.append("accuracy still rises at the last step: run more --steps")
    return tuple(lines)


def _cure(layer: Layer) -> str:
    """Say what would help one layer, the likeliest first."""
    if layer.saturated >= CLIPPED:
        return (
            f"{layer.saturated:.1%} of its activations exceed what a rate of 1 stands for: "
            "raise --percentile (99.9) or --headroom, or choose ranges by the least error"
        )
    if layer.dead >= QUIET:
        return (
            f"{layer.dead:.1%} of its neurons never fire: run more --steps, start membranes at "
            "threshold / 2, or give each channel its own range (--per channel)"
        )
    if layer.pearson < LIKE:
        return f"its rates correlate only {layer.pearson:.3f} with its activations: more --steps"
    return "its rates are close to its activations, the class depends on little: more --steps"
