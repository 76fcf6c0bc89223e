"""Which cores to look at, where there are too many for all of them."""

from collections.abc import Iterator

import numpy as np

from neurocomp.hw.target import Target
from neurocomp.mapping.placement import Block, Placement


def by_population(placement: Placement) -> dict[str, tuple[Block, ...]]:
    """Give the blocks of every population."""
    found: dict[str, list[Block]] = {}
    for block in placement.cores:
        found.setdefault(block.population, []).append(block)
    return {name: tuple(blocks) for name, blocks in found.items()}


def sample(
    placement: Placement, target: Target, most: int | None, seed: int
) -> dict[str, tuple[Block, ...]]:
    """Give up to `most` blocks of every population: the same for the same seed, all without `most`.

    First come those that take most of a limited resource, and the two corners where the padding of
    a convolution is; they are taken even where they are more than `most`. A smaller sample is part
    of a larger one.
    """
    found = {}
    for n, (name, blocks) in enumerate(by_population(placement).items()):
        drawn = np.random.default_rng([seed, n]).permutation(len(blocks))
        first = dict.fromkeys(_telling(placement, target, blocks))
        order = dict.fromkeys([*first, *(blocks[i] for i in drawn)])
        wanted = len(blocks) if most is None else max(most, len(first))
        chosen = set(list(order)[:wanted])
        found[name] = tuple(b for b in blocks if b in chosen)
    return found


def _telling(placement: Placement, target: Target, blocks: tuple[Block, ...]) -> Iterator[Block]:
    for resource in target.core.limits:
        yield max(blocks, key=lambda b: placement.demand[b].get(resource, 0))
    yield blocks[0]
    yield blocks[-1]
