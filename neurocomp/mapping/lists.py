"""Bits of a source's list of synapses, by encoding, for many lists at once.

The neurons that a list names lie in runs, runs of runs, and so on: three levels, each so many
steps of one gap. An entry ends after `entry_synapses`, and where the next gap is too large for it.
Source: the entries and prefixes of NxTF (Rueckauer et al. 2021), `synapse_compression.py`.
"""

from typing import NamedTuple

import numpy as np

from neurocomp.arrays import Array
from neurocomp.hw.target import Packing

ENCODINGS = ("dense", "run-length", "sparse")  # the first of equally good ones is taken


class Level(NamedTuple):
    """So many steps, and the gap from the last neuron of one to the first of the next."""

    steps: Array
    gap: Array


class Widths(NamedTuple):
    """Bits of the fields that all lists of a core agree on."""

    neuron: Array  # an index
    skip: Array


def encoded(packing: Packing, weight: int, widths: Widths, *levels: Level) -> Array:
    """Give the bits of each list in every encoding, (encodings, lists); `levels` inside first."""
    synapses = _total(levels)
    prefix, longest = packing.prefix_bits + widths.neuron, packing.entry_synapses
    dense = entries(levels, 1, longest) * prefix + synapses * weight
    steps = entries(levels, largest_skip(packing), longest)
    run = steps * prefix + synapses * (weight + widths.skip)
    sparse = _ceil(synapses, longest) * packing.prefix_bits + synapses * (weight + widths.neuron)
    return np.stack(np.broadcast_arrays(dense, run, sparse))


def entries(levels: tuple[Level, ...], reach: int, longest: int) -> Array:
    """Count the entries of each list, where an entry spans gaps up to `reach`."""
    (n1, g1), (n2, g2), (n3, g3) = (*levels, *[Level(np.array(1), np.array(0))] * 3)[:3]
    a1, a2, a3 = ((n <= 1) | (g <= reach) for n, g in ((n1, g1), (n2, g2), (n3, g3)))
    joins = np.where(a2, (n2 - 1) * n3, 0) + np.where(a3, n3 - 1, 0)
    scattered = n1 * n2 * n3 - joins  # inner steps are too far apart: only ends meet, in pairs
    pairs = (n3 - 1) * _ceil(2 * n1, longest)
    apart = np.where(a3, pairs + (n2 * n3 - 2 * (n3 - 1)) * _ceil(n1, longest), 0)
    apart = np.where(a3 & (n3 > 1), apart, n2 * n3 * _ceil(n1, longest))
    joined = np.where(a3, _ceil(n1 * n2 * n3, longest), n3 * _ceil(n1 * n2, longest))
    found: Array = np.where(a1, np.where(a2, joined, apart), scattered)
    return found


def listed(
    packing: Packing, weight: int, index: Array, neurons: Array, runs: Array, lists: Array
) -> Array:
    """Give the bits of single lists in every encoding, (encodings, lists).

    `neurons`, (synapses,), are the indices that they name, with `index` bits; `runs` says where an
    entry begins in any case, and `lists` lists where a list does. Skips have all their bits.
    """
    gaps, longest = np.diff(neurons, prepend=-1), packing.entry_synapses
    found = []
    for reach, index_of_synapse, field in (
        (1, False, 0),
        (largest_skip(packing), False, packing.skip_bits_most),
        (None, True, 0),
    ):
        begins = runs.copy()
        if reach is not None:
            begins |= gaps > reach
        start = np.nonzero(begins)[0]
        length = np.diff([*start, len(neurons)])
        entry = np.zeros(len(neurons), dtype=np.int64)
        prefix = packing.prefix_bits + (0 if index_of_synapse else index[start])
        entry[start] = _ceil(length, longest) * prefix
        each = entry + weight + field + (index if index_of_synapse else 0)
        found.append(np.add.reduceat(each, lists))
    return np.stack(found)


def skips(packing: Packing, *levels: Level) -> Array:
    """Give the largest gap of each list that a run-length entry spans; 0 where there is none."""
    most: Array = np.zeros_like(_total(levels))
    for n, gap in levels:
        spanned = (n > 1) & (gap <= largest_skip(packing))
        most = np.maximum(most, np.where(spanned, gap, 0))
    return most


def largest_skip(packing: Packing) -> int:
    """Give the largest step from synapse to synapse of a run-length entry."""
    return int(2**packing.skip_bits_most - 1)


def words(packing: Packing, bits: Array) -> Array:
    """Give the words of lists of so many bits: some stay free at the end."""
    return _ceil(bits + packing.end_bits, packing.word_bits)


def width(value: Array, least: int) -> Array:
    """Give the bits of a field that holds `value`, at least `least`."""
    found: Array = np.maximum(least, np.ceil(np.log2(value + 1)).astype(np.int64))
    return found


def _total(levels: tuple[Level, ...]) -> Array:
    total: Array = np.array(1)
    for n, _ in levels:
        total = total * n
    return total


def _ceil(value: Array, by: int) -> Array:
    found: Array = -(-value // by)
    return found
