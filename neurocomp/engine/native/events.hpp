// Spikes as bits -> what a convolution reads: lists of events, or maps of counts.
//
// Part of layer.cpp, which is compiled once for each level.
#pragma once

#include "vectors.hpp"

namespace neurocomp {
namespace {

// Lists the events of one cell row in every step of `e`; the bits of the first are in `slot`.
void list_row(const Shape& s, const uint64_t* bits, int slots, int slot, const Gather& g,
              int cell_row, const Events& e) {
    uint32_t* begin = e.events + e.start[cell_row];
    uint32_t* end = begin;
    const int y0 = cell_row * g.pool_rows, words = (g.channels + 63) / 64;
    const int y1 = y0 + g.pool_rows < s.rows ? y0 + g.pool_rows : s.rows;
    for (int step = 0; step < e.steps; ++step) {
        uint32_t* offsets =
            e.offsets + (size_t(cell_row) * e.steps + step) * (size_t(e.cell_cols) + 1);
        for (int cx = 0; cx < e.cell_cols; ++cx) {
            offsets[cx] = uint32_t(end - begin);
            const int x1 = (cx + 1) * g.pool_cols < s.cols ? (cx + 1) * g.pool_cols : s.cols;
            for (int y = y0; y < y1; ++y)
                for (int x = cx * g.pool_cols; x < x1; ++x) {
                    const uint64_t* from =
                        bits + ((size_t(y) * slots + slot + step) * s.cols + x) * s.words + g.word;
                    for (int w = 0; w < words; ++w) {
                        const int width = g.channels - w * 64 < 64 ? g.channels - w * 64 : 64;
                        end = list_bits(from[w], width, uint32_t(cx * g.channels + w * 64), end);
                    }
                }
        }
        offsets[e.cell_cols] = uint32_t(end - begin);
    }
}

// Counts the spikes of every cell and channel of one cell row, in every step of `e`.
void map_row(const Shape& s, const uint64_t* bits, int slots, int slot, const Gather& g,
             int cell_row, const Events& e) {
    uint8_t* map = e.map + size_t(cell_row) * e.map_row;
    std::memset(map, 0, e.map_row);
    const int channels = g.groups * 4, y0 = cell_row * g.pool_rows, words = (g.channels + 63) / 64;
    const int rows = s.rows - y0 < g.pool_rows ? s.rows - y0 : g.pool_rows;
    const size_t row_words = size_t(slots) * s.cols * s.words;
    for (int step = 0; step < e.steps; ++step, map += e.map_step) {
        const uint64_t* from =
            bits + y0 * row_words + size_t(slot + step) * s.cols * s.words + g.word;
        uint8_t* to = map + size_t(g.left) * channels;
        for (int x = 0; x < s.cols; x += g.pool_cols, to += channels) {
            const int cols = s.cols - x < g.pool_cols ? s.cols - x : g.pool_cols;
            for (int w = 0; w < words; ++w) {
                const int width = g.channels - w * 64 < 64 ? g.channels - w * 64 : 64;
                sum_bits(from + size_t(x) * s.words + w, row_words, rows, size_t(s.words), cols,
                         width, to + 64 * w);
            }
        }
    }
}

size_t count_bits(const uint64_t* from, size_t positions, int words, int first, int used) {
    size_t total = 0;
    if (used == words) {
        for (size_t i = 0; i < positions * words; ++i)
            total += size_t(__builtin_popcountll(from[i]));
        return total;
    }
    for (size_t i = 0; i < positions; ++i)
        for (int w = first; w < first + used; ++w)
            total += size_t(__builtin_popcountll(from[i * words + w]));
    return total;
}

// Counts the synapses that the spikes of one row in one step reach.
int64_t count_reached(const Shape& s, const uint64_t* row, const int32_t* fan_out) {
    int64_t total = 0;
    for (int x = 0; x < s.cols; ++x) {
        int64_t spikes = 0;
        for (int w = 0; w < s.words; ++w) spikes += __builtin_popcountll(row[x * s.words + w]);
        total += spikes * fan_out[x];
    }
    return total;
}

}  // namespace
}  // namespace neurocomp
