"""Words of synaptic memory that cores take, in closed form: many cores at once, no neuron unrolled.

A core numbers its neurons by a place and, behind it, by the rest: channels first, then what is left
of rows and columns. An axon shifts the list that it names by a place, so sources whose neurons lie
alike from their first place on share one list. What is a place is free: none, a column, a row or a
pixel, as many as `bases` allow; the layout of a core that takes the fewest words is taken.

Where indices may step over all places (`strides`), a list has entries for each place that it
reaches, of the format with that offset; a pixel's list has plain indices otherwise. Entries never
span two places, or two columns where nothing is a place. Indices have one width a core, and so have
skips. Lists of one group are padded to the longest: those of one channel and column (or row) with
an axon for each source, those of all channels of one pixel with an axon for the pixel. A group
takes the encoding that is best for its longest list; where that makes too many formats, all are
dense. Source: Rueckauer et al. 2021 (NxTF), `data_structures.py`, for words, padding and sharing
along columns; nengo-loihi 1.1.0, `builder/connection.py`, for axons and shared lists of pixels.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from neurocomp.arrays import Array
from neurocomp.hw.target import Packing
from neurocomp.mapping.lists import (
    ENCODINGS,
    Level,
    Widths,
    encoded,
    largest_skip,
    skips,
    width,
    words,
)
from neurocomp.mapping.spread import Spreads

UNFIT = 1 << 40  # words where no layout is possible
PLAIN = 20  # the bit of formats with plain indices; the lower ones are for offsets
LAYOUTS = ("apart", "columns", "rows", "pixels")


class Part(NamedTuple):
    """What one projection brings to many cores."""

    depth: Spreads  # along channels
    rows: Spreads
    columns: Spreads
    bits: int  # of one synapse, without its index
    delayed: bool


class Lists(NamedTuple):
    """Groups of lists that are alike, in many cores."""

    many: Array  # (cores,) lists, with padding
    bits: Array  # (encodings, cores) of the longest
    formats: Array  # (cores,) a bit for each offset


@dataclass(frozen=True, eq=False, slots=True)
class Cores:
    """Many cores: their boxes, and what they store."""

    packing: Packing
    shape: tuple[Array, Array, Array]  # (cores,) channels, rows, columns of the box
    slots: Array  # (cores,) compartments of one neuron
    parts: Sequence[Part]
    singles: Array  # (cores,) lists of one synapse: of partial sums, and of resets
    single_formats: Array  # (cores,)

    def words(self) -> Array:
        """Give the fewest words of each core over all layouts, (cores,); UNFIT where none fits."""
        found: Array = np.full(len(self.shape[0]), UNFIT)
        for layout in LAYOUTS:
            found = np.minimum(found, self.laid(layout))
        return found

    def laid(self, layout: str, *, wide: bool = False) -> Array:
        """Give the words of each core with one layout, (cores,); UNFIT where it is impossible.

        With `wide`, skips have all their bits, whatever the lists need.
        """
        packing, places = self.packing, self.places(layout) * self.slots
        fits = places <= (packing.strides if layout in ("columns", "rows") else packing.bases)
        skip = np.full_like(places, wide * largest_skip(packing))
        for part in self.parts:
            for levels, there in self._levels(part, layout):
                skip = np.maximum(skip, np.where(there, skips(packing, *levels), 0))
        skip_bits = width(skip, packing.skip_bits_least)
        best, dense = _Sum.of(self), _Sum.of(self)
        for part in self.parts:
            index = width(self._indices(part, layout) - 1, packing.index_bits_least)
            fits = fits & (index <= packing.index_bits_most)
            for lists in self._lists(part, layout, Widths(index, skip_bits)):
                best.add(packing, lists, part.delayed, np.argmin(lists.bits, axis=0))
                dense.add(packing, lists, part.delayed, np.zeros_like(lists.many))
        found = np.where(best.fits(packing), best.total, dense.total)
        fits = fits & (best.fits(packing) | dense.fits(packing))
        return np.where(fits, found + self.singles * self._single(), UNFIT)

    def places(self, layout: str) -> Array:
        """Count the places of each core, (cores,)."""
        _, rows, columns = self.shape
        one = np.ones_like(rows)
        return {"apart": one, "columns": columns, "rows": rows, "pixels": rows * columns}[layout]

    def _plain(self, part: Part, layout: str) -> Array:
        """Say whether a list has plain indices, not entries for each place that it reaches."""
        if layout != "pixels":
            return np.zeros_like(self.shape[0], dtype=bool)
        many = (part.rows.most > 1) | (part.columns.most > 1)
        return many | (self.places(layout) * self.slots > self.packing.strides)

    def _indices(self, part: Part, layout: str) -> Array:
        """Count the indices that a list's synapses may have, (cores,)."""
        neurons = self.shape[0] * self.shape[1] * self.shape[2]
        return np.where(self._plain(part, layout), neurons, neurons // self.places(layout))

    def _single(self) -> int:
        """Give the words of a list of one synapse, sparse and with the widest index."""
        packing = self.packing
        weight = max((part.bits for part in self.parts), default=0)
        bits = packing.prefix_bits + packing.index_bits_most + weight
        return int(words(packing, np.array(bits)))

    def _levels(self, part: Part, layout: str) -> Iterator[tuple[tuple[Level, ...], Array]]:
        """Give the levels of all lists, and whether there are any, for each kind of channel."""
        if layout == "pixels":
            for (columns, nx), (rows, ny) in _pairs(part.columns, part.rows):
                for depth, n in zip(part.depth.reached, part.depth.every, strict=True):
                    there = (nx > 0) & (ny > 0) & (n > 0)
                    yield self._pixel(part, columns, rows, depth), there
            return
        inner = part.columns if layout == "rows" else part.rows
        for depth, n in zip(part.depth.reached, part.depth.every, strict=True):
            yield self._line(depth, inner.most, inner.step), n > 0

    def _line(self, depth: Array, along: Array, step: int) -> tuple[Level, ...]:
        """Give the levels of what a list has at one place: channels, then rows (or columns)."""
        gap = step * self.shape[0] - depth + 1
        return Level(depth, np.ones_like(depth)), Level(along, gap)

    def _pixel(self, part: Part, columns: Array, rows: Array, depth: Array) -> tuple[Level, ...]:
        """Give the levels of a pixel's whole list, with plain indices where it has them."""
        _, height, wide = self.shape
        plain = self._plain(part, "pixels")
        x, y = part.columns.step, part.rows.step
        down = y * wide - (columns - 1) * x
        deep = height * wide - (rows - 1) * y * wide - (columns - 1) * x
        whole = (Level(columns, np.full_like(columns, x)), Level(rows, down), Level(depth, deep))
        one = np.ones_like(depth)
        flat = (Level(one, one), Level(one, one), Level(depth, one))
        return tuple(
            Level(*(np.where(plain, a, b) for a, b in zip(w, f, strict=True)))
            for w, f in zip(whole, flat, strict=True)
        )

    def _lists(self, part: Part, layout: str, widths: Widths) -> Iterator[Lists]:
        """Give all lists of one projection, those together that are alike."""
        if layout == "pixels":
            yield from self._pixel_lists(part, widths)
        elif layout == "rows":
            yield from self._line_lists(part, part.rows, part.rows.shared, part.columns, widths)
        else:
            columns = part.columns
            each = columns.every if layout == "apart" else columns.shared
            yield from self._line_lists(part, columns, each, part.rows, widths, layout == "apart")

    def _line_lists(
        self, part: Part, along: Spreads, each: Array, inner: Spreads, widths: Widths,
        apart: bool = False,
    ) -> Iterator[Lists]:  # fmt: skip
        """Give the lists of every column (or row): groups of them, or of every pixel."""
        inside = [(inner.most, inner.sources)]
        if self.packing.atoms > 1:
            inside = list(zip(inner.reached, inner.every, strict=True))
        for m, n in inside:
            bits = [
                encoded(self.packing, part.bits, widths, *self._line(d, m, inner.step))
                for d in part.depth.reached
            ]
            for reached, sources in zip(along.reached, each, strict=True):
                formats = np.ones_like(reached) if apart else _offsets(reached, along.step)
                for lists in self._grouped(part, sources * n, [reached * b for b in bits]):
                    yield Lists(lists.many, lists.bits, np.where(lists.many > 0, formats, 0))

    def _pixel_lists(self, part: Part, widths: Widths) -> Iterator[Lists]:
        """Give the lists of every pixel."""
        formats = np.where(self._plain(part, "pixels"), 1 << PLAIN, 1)
        for (columns, nx), (rows, ny) in _pairs(part.columns, part.rows):
            bits = [
                encoded(self.packing, part.bits, widths, *self._pixel(part, columns, rows, d))
                for d in part.depth.reached
            ]
            for lists in self._grouped(part, nx * ny, bits):
                yield Lists(lists.many, lists.bits, np.where(lists.many > 0, formats, 0))

    def _grouped(self, part: Part, places: Array, bits: Sequence[Array]) -> Iterator[Lists]:
        """Give lists by channel, or of all channels together, each as long as the longest."""
        each, none = part.depth.every, np.zeros_like(places)
        if self.packing.atoms > 1:
            longest = np.max(
                [np.where(n > 0, b, 0) for n, b in zip(each, bits, strict=True)], axis=0
            )
            yield Lists(places * part.depth.sources, longest, none)
        else:
            for n, b in zip(each, bits, strict=True):
                yield Lists(places * n, b, none)


@dataclass(eq=False, slots=True)
class _Sum:
    """The words of many cores, added up, and the formats that they use."""

    total: Array  # (cores,)
    long: Array  # (cores,) whether a list has more words than an axon may
    used: dict[tuple[int, bool], Array]  # by encoding and delay, a bit for each offset
    others: Array  # (cores,) formats

    @staticmethod
    def of(cores: Cores) -> "_Sum":
        zero = np.zeros(len(cores.shape[0]), dtype=np.int64)
        return _Sum(zero, zero > 0, {}, cores.single_formats)

    def add(self, packing: Packing, lists: Lists, delayed: bool, encoding: Array) -> None:
        bits = np.take_along_axis(lists.bits, encoding[None], axis=0)[0]
        each = words(packing, bits)
        self.total = self.total + lists.many * each
        self.long = self.long | ((lists.many > 0) & (each > packing.axon_words))
        for n in range(len(ENCODINGS)):
            mask = np.where(encoding == n, lists.formats, 0)
            self.used[n, delayed] = self.used.get((n, delayed), 0) | mask

    def fits(self, packing: Packing) -> Array:
        """Say of each core whether its formats are few enough, and its lists short enough."""
        formats = self.others + sum(
            ((mask >> bit) & 1 for mask in self.used.values() for bit in range(PLAIN + 1)),
            start=np.zeros_like(self.others),
        )
        found: Array = (formats <= packing.formats) & ~self.long
        return found


def _offsets(reached: Array, step: int) -> Array:
    """Give a bit for each place that a list reaches, (cores,); those from `PLAIN` on are left out.

    A core that has so many places has no such lists.
    """
    found = np.zeros_like(reached)
    for n in range(PLAIN // step):
        found |= np.where(reached > n, 1 << (n * step), 0)
    return found


def _pairs(a: Spreads, b: Spreads) -> Iterator[tuple[tuple[Array, Array], tuple[Array, Array]]]:
    """Give each kind of place along both axes, with how many different ones there are."""
    for one in zip(a.reached, a.shared, strict=True):
        for other in zip(b.reached, b.shared, strict=True):
            yield one, other
