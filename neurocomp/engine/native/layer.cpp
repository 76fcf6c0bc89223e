// The inner loops, compiled once for each level of vector instructions (LEVEL names the build).
//
// Output-stationary and event-driven: the active inputs of one output position become a list of
// rows of weights, and the rows are added up in registers, channels of the output side by side.
// Only plain arrays here: no template of the standard library may be instantiated in this file.

#include "vectors.hpp"

namespace neurocomp {
namespace {

constexpr int UNROLL = 4;  // lists end with up to 3 references to the zero row

template <Kind kind>
struct Stored;
template <>
struct Stored<BYTE> {
    using weight = int8_t;
    using sum = int16_t;
};
template <>
struct Stored<NARROW> {
    using weight = int16_t;
    using sum = int16_t;
};
template <>
struct Stored<WORD> {
    using weight = int16_t;
    using sum = int32_t;
};
template <>
struct Stored<FULL> {
    using weight = int32_t;
    using sum = int32_t;
};

// Appends count events, moved by `base` and as offsets in bytes, at least `usual` vectors of them:
// a loop of fixed length is foreseen by the processor. Writes past the end.
inline uint32_t* append(const uint32_t* events, uint32_t count, uint32_t base, uint32_t pitch,
                        int usual, uint32_t* list) {
    constexpr uint32_t each = WIDTH / 4;
    uint32_t i = 0;
    for (int k = 0; k < usual; ++k, i += each)
        store(list + i, (load<Full<uint32_t>>(events + i) + base) * pitch);
    for (; i < count; i += each)
        store(list + i, (load<Full<uint32_t>>(events + i) + base) * pitch);
    return list + count;
}

// Lists the rows of weights that the window of output (y, x) adds in one step.
inline uint32_t collect(const Gather& g, const Events& e, int channels, int y, int x, int step,
                        uint32_t pitch, uint32_t* list) {
    uint32_t* end = list;
    const int x0 = x * g.stride_cols - g.left;
    const int width = (g.kernel_cols - 1) * g.dilation_cols + 1;
    const int low = x0 < 0 ? 0 : x0;
    const int high = x0 + width < e.cell_cols ? x0 + width : e.cell_cols;
    for (int ky = 0; low < high && ky < g.kernel_rows; ++ky) {
        const int cy = y * g.stride_rows - g.top + ky * g.dilation_rows;
        if (cy < 0 || cy >= e.cell_rows) continue;
        const uint32_t* offsets =
            e.offsets + (size_t(cy) * e.steps + step) * (size_t(e.cell_cols) + 1);
        const uint32_t* events = e.events + e.start[cy];
        if (g.dilation_cols == 1) {
            const uint32_t base = uint32_t((ky * g.kernel_cols - x0) * channels);
            end = append(events + offsets[low], offsets[high] - offsets[low], base, pitch, e.usual,
                         end);
            continue;
        }
        for (int kx = 0; kx < g.kernel_cols; ++kx) {
            const int cx = x0 + kx * g.dilation_cols;
            if (cx < 0 || cx >= e.cell_cols) continue;
            const uint32_t base = uint32_t((ky * g.kernel_cols + kx - cx) * channels);
            end = append(events + offsets[cx], offsets[cx + 1] - offsets[cx], base, pitch, e.usual,
                         end);
        }
    }
    for (int i = 0; i < UNROLL; ++i) end[i] = uint32_t(g.rows) * pitch;
    return uint32_t(end - list);
}

// Adds the listed rows to `drive`, (lanes), in sums that are emptied before they can overflow.
template <class State, Kind kind, int lanes>
inline void add_rows(const Gather& g, const char* weight, const uint32_t* list, uint32_t count,
                     Full<State>* drive) {
    using W = typename Stored<kind>::weight;
    using S = typename Stored<kind>::sum;
    constexpr int each = WIDTH / int(sizeof(S)), sums = lanes / each;
    constexpr int state_each = WIDTH / int(sizeof(State)), states = lanes / state_each;
    static_assert(sums >= 1, "a block is at least one vector of sums");
    const uint32_t flush = uint32_t(g.flush) & ~uint32_t(UNROLL - 1);
    for (uint32_t from = 0; from < count; from += flush) {
        const uint32_t to = count - from > flush ? from + flush : count;
        Full<S> sum[sums] = {};
        for (uint32_t i = from; i < to; i += UNROLL) {
#pragma GCC unroll 4
            for (int u = 0; u < UNROLL; ++u) {
                const W* row = reinterpret_cast<const W*>(weight + list[i + u]);
#pragma GCC unroll 16
                for (int k = 0; k < sums; ++k) sum[k] += widened<S, W>(row + k * each);
            }
        }
        alignas(64) S spilled[lanes];
#pragma GCC unroll 16
        for (int k = 0; k < sums; ++k) store(spilled + k * each, sum[k]);
#pragma GCC unroll 16
        for (int k = 0; k < states; ++k)
            drive[k] += widened<State, S>(spilled + k * state_each) << g.shift;
    }
}

// Multiplies all cells of the window with their weights, `tile` steps side by side.
template <int lanes, int tile>
inline void multiply_tile(const Gather& g, const Events& e, int block, int y, int x, int step,
                          int32_t* sums) {
    constexpr int each = WIDTH / 4, states = lanes / each;
    using V = Full<int32_t>;
    const int width = g.kernel_cols * g.groups;
    V sum[tile][states] = {};
    for (int ky = 0; ky < g.kernel_rows; ++ky) {
        const int cy = y * g.stride_rows - g.top + ky * g.dilation_rows;
        if (cy < 0 || cy >= e.cell_rows) continue;
        const uint8_t* from = e.map + size_t(cy) * e.map_row + size_t(step) * e.map_step +
                              size_t(x) * g.stride_cols * g.groups * 4;
        const int8_t* weight =
            g.dense + (size_t(block) * g.kernel_rows + ky) * size_t(width) * lanes * 4;
        for (int k = 0; k < width; ++k, weight += lanes * 4) {
            V row[states];
#pragma GCC unroll 16
            for (int i = 0; i < states; ++i) row[i] = load<V>(weight + i * WIDTH);
#pragma GCC unroll 16
            for (int u = 0; u < tile; ++u) {
                int32_t four;
                std::memcpy(&four, from + u * e.map_step + 4 * k, 4);
                const V spikes = V{} + four;
#pragma GCC unroll 16
                for (int i = 0; i < states; ++i) sum[u][i] = dot(sum[u][i], spikes, row[i]);
            }
        }
    }
    for (int u = 0; u < tile; ++u)
        for (int i = 0; i < states; ++i) store(sums + u * lanes + i * each, sum[u][i]);
}

template <int lanes>
void multiply(const Gather& g, const Events& e, int block, int y, int x, int from, int to,
              int32_t* sums) {
    constexpr int tile = WIDTH == 64 && lanes == 32 ? 8 : WIDTH == 64 ? 4 : 1;
    int step = from;
    for (; step + tile <= to; step += tile, sums += tile * lanes)
        multiply_tile<lanes, tile>(g, e, block, y, x, step, sums);
    if constexpr (tile == 8)
        for (; step + 4 <= to; step += 4, sums += 4 * lanes)
            multiply_tile<lanes, 4>(g, e, block, y, x, step, sums);
    for (; step < to; ++step, sums += lanes)
        multiply_tile<lanes, 1>(g, e, block, y, x, step, sums);
}

template <class State>
inline void note(const Layer& layer, const Work& work, const State* v, int block, int y, int x,
                 int t) {
    const Shape& s = layer.shape;
    const int first = block * layer.lanes;
    int64_t* out = work.membranes + size_t(t - work.first) * s.channels * s.positions();
    for (int i = 0; i < layer.lanes && first + i < s.channels; ++i)
        out[(size_t(first + i) * s.rows + y) * s.cols + x] = int64_t(v[i]);
}

// Runs one block of one position over the steps from..to of the span that is listed in work.list.
template <class State, Kind kind, int lanes>
void run_position(const Layer& layer, const Work& work, int block, int y, int x, int from, int to,
                  const uint32_t* found) {
    using V = Full<State>;
    using W = typename Stored<kind>::weight;
    constexpr int each = WIDTH / int(sizeof(State)), states = lanes / each;
    const Shape& s = layer.shape;
    const size_t position = size_t(y) * s.cols + x, at = position * layer.padded() + block * lanes;
    State* state = static_cast<State*>(work.v) + at;
    int32_t* counts = static_cast<int32_t*>(work.counts) + at;
    const State* constant =
        static_cast<const State*>(work.drive) + position * work.drive_pitch + block * lanes;
    const State* threshold = static_cast<const State*>(layer.threshold) +
                             position * layer.threshold_pitch + block * lanes;
    const size_t steps = size_t(work.last - work.first + 1), step_words = size_t(s.cols) * s.words;
    uint64_t* bits = work.bits ? work.bits +
                                     (size_t(y) * work.slots + work.slot) * step_words +
                                     size_t(x) * s.words + block * lanes / 64
                               : nullptr;
    const bool zero = layer.model == ZERO;
    V v[states], count[states] = {};
    for (int k = 0; k < states; ++k) v[k] = load<V>(state + k * each);
    V peak[states] = {};
    for (int step = from; step < to; ++step) {
        const int t = work.first + step;
        uint64_t word = 0;
        if (t >= layer.start) {
            V drive[states];
#pragma GCC unroll 32
            for (int k = 0; k < states; ++k) drive[k] = load<V>(constant + k * each);
            if (work.extra) {
                const State* extra = static_cast<const State*>(work.extra) +
                                     (position * steps + step) * layer.padded() + block * lanes;
                for (int k = 0; k < states; ++k) drive[k] += load<V>(extra + k * each);
            }
            for (int i = 0; i < layer.gather_count; ++i) {
                const Gather& g = layer.gathers[i];
                const char* weight = static_cast<const char*>(g.weight) +
                                     size_t(block) * (size_t(g.rows) + 1) * lanes * sizeof(W);
                const size_t listed = size_t(i) * work.span + (step - from);
                if (work.events[i].map) {
                    const int32_t* sums = work.sums + listed * lanes;
                    for (int k = 0; k < states; ++k)
                        drive[k] += widened<State, int32_t>(sums + k * each) << g.shift;
                    continue;
                }
                add_rows<State, kind, lanes>(g, weight, work.list + listed * work.list_size,
                                             found[listed], drive);
            }
#pragma GCC unroll 32
            for (int k = 0; k < states; ++k) v[k] += drive[k];
            if (work.peak)
                for (int k = 0; k < states; ++k) {
                    const V magnitude = v[k] < 0 ? -v[k] : v[k];
                    peak[k] = magnitude > peak[k] ? magnitude : peak[k];
                }
            if (bits)
#pragma GCC unroll 32
                for (int k = 0; k < states; ++k)
                    word |= fire<State>(v[k], load<V>(threshold + k * each), count[k], zero)
                            << (k * each);
        }
        if (bits) bits[size_t(step) * step_words] = word;
        if (work.membranes) {
            alignas(64) State now[lanes];
            for (int k = 0; k < states; ++k) store(now + k * each, v[k]);
            note(layer, work, now, block, y, x, t);
        }
    }
    for (int k = 0; k < states; ++k) {
        store(state + k * each, v[k]);
        for (int i = 0; i < each; ++i) counts[k * each + i] += int32_t(count[k][i]);
        if (work.peak)
            for (int i = 0; i < each; ++i)
                if (block * lanes + k * each + i < s.channels && int64_t(peak[k][i]) > *work.peak)
                    *work.peak = int64_t(peak[k][i]);
    }
}

// Runs positions whose drive never changes, several side by side, for a block of few lanes has few
// sums to wait for.
template <class State, int lanes>
void run_steady(const Layer& layer, const Work& work, int y) {
    using V = Full<State>;
    constexpr int each = WIDTH / int(sizeof(State)), states = lanes / each, side = 64 / lanes;
    const Shape& s = layer.shape;
    const int steps = work.last - work.first + 1;
    const size_t row = size_t(y) * s.cols;
    uint64_t* bits = work.bits + (size_t(y) * work.slots + work.slot) * s.cols;
    const bool zero = layer.model == ZERO;
    for (int x = 0; x < s.cols; x += side) {
        const int many = s.cols - x < side ? s.cols - x : side;
        V v[side][states] = {}, drive[side][states] = {}, count[side][states] = {};
        V threshold[side][states];
        for (int u = 0; u < side; ++u)
            for (int k = 0; k < states; ++k) {
                const size_t position = row + x + (u < many ? u : 0);
                const size_t at = k * each;
                v[u][k] = load<V>(static_cast<const State*>(work.v) + position * lanes + at);
                drive[u][k] = load<V>(static_cast<const State*>(work.drive) +
                                      position * work.drive_pitch + at);
                threshold[u][k] = load<V>(static_cast<const State*>(layer.threshold) +
                                          position * layer.threshold_pitch + at);
            }
        for (int step = 0; step < steps; ++step) {
            uint64_t word[side] = {};
            if (work.first + step >= layer.start)
#pragma GCC unroll 8
                for (int u = 0; u < side; ++u)
#pragma GCC unroll 8
                    for (int k = 0; k < states; ++k) {
                        v[u][k] += drive[u][k];
                        word[u] |= fire<State>(v[u][k], threshold[u][k], count[u][k], zero)
                                   << (k * each);
                    }
            for (int u = 0; u < many; ++u) bits[size_t(step) * s.cols + x + u] = word[u];
        }
        for (int u = 0; u < many; ++u)
            for (int k = 0; k < states; ++k) {
                const size_t at = (row + x + u) * lanes + k * each;
                store(static_cast<State*>(work.v) + at, v[u][k]);
                for (int i = 0; i < each; ++i)
                    static_cast<int32_t*>(work.counts)[at + i] += int32_t(count[u][k][i]);
            }
    }
}

// Span after span, so that the events of the rows in reach stay in the first cache; each list of a
// position serves all blocks.
template <class State, Kind kind, int lanes>
void run_positions(const Layer& layer, const Work& work, int block, int block_end, int y) {
    constexpr uint32_t pitch = lanes * sizeof(typename Stored<kind>::weight);
    const int steps = work.last - work.first + 1;
    if constexpr (lanes < 64)
        if (!layer.gather_count && !work.extra && work.bits && !work.membranes && !work.peak)
            return run_steady<State, lanes>(layer, work, y);
    uint32_t found[MOST_LISTS];
    for (int from = 0; from < steps; from += work.span) {
        const int to = from + work.span < steps ? from + work.span : steps;
        for (int x = 0; x < layer.shape.cols; ++x) {
            for (int i = 0; i < layer.gather_count; ++i) {
                const Gather& g = layer.gathers[i];
                if (work.events[i].map) continue;
                const int channels = g.rows / (g.kernel_rows * g.kernel_cols);
                for (int step = from; step < to; ++step) {
                    const size_t listed = size_t(i) * work.span + (step - from);
                    found[listed] = collect(g, work.events[i], channels, y, x, step, pitch,
                                            work.list + listed * work.list_size);
                }
            }
            for (int b = block; b < block_end; ++b) {
                for (int i = 0; i < layer.gather_count; ++i)
                    if (work.events[i].map)
                        multiply<lanes>(layer.gathers[i], work.events[i], b, y, x, from, to,
                                        work.sums + size_t(i) * work.span * lanes);
                run_position<State, kind, lanes>(layer, work, b, y, x, from, to, found);
            }
        }
    }
}

template <class State, Kind kind>
void run_lanes(const Layer& layer, const Work& work, int block, int block_end, int y) {
    if (layer.lanes == 64) return run_positions<State, kind, 64>(layer, work, block, block_end, y);
    if constexpr (sizeof(typename Stored<kind>::sum) == 4)  // 16 lanes are one vector of 64 bytes
        if (layer.lanes == 16)
            return run_positions<State, kind, 16>(layer, work, block, block_end, y);
    run_positions<State, kind, 32>(layer, work, block, block_end, y);
}

template <class State>
void run_kind(const Layer& layer, const Work& work, int block, int block_end, int y) {
    switch (layer.kind) {
        case BYTE: return run_lanes<State, BYTE>(layer, work, block, block_end, y);
        case NARROW: return run_lanes<State, NARROW>(layer, work, block, block_end, y);
        case WORD: return run_lanes<State, WORD>(layer, work, block, block_end, y);
        case FULL: return run_lanes<State, FULL>(layer, work, block, block_end, y);
    }
}

// The gate of spiking max pooling: work.v counts each tap's spikes, [position][tap][lane]; the tap
// that has fired most so far, the first of equals, is passed on. Its source is work.drive, bits of
// the same slots; a tap in the padding never wins.
void run_gate(const Layer& layer, const Work& work, int block, int y) {
    const Shape& s = layer.shape;
    const Window& w = *layer.window;
    const Shape& in = *static_cast<const Shape*>(work.extra);
    const uint64_t* source = static_cast<const uint64_t*>(work.drive);
    const int taps = w.kernel_rows * w.kernel_cols, words = s.words;
    for (int x = 0; x < s.cols; ++x) {
        const size_t position = size_t(y) * s.cols + x;
        int32_t* fired = static_cast<int32_t*>(work.counts) + position * layer.padded() + block * 64;
        int32_t* taps_fired = static_cast<int32_t*>(work.v) +
                              (position * layer.blocks + block) * size_t(taps) * 64;
        for (int t = work.first; t <= work.last; ++t) {
            const int slot = work.slot + t - work.first;
            uint64_t out = 0;
            int32_t most[64] = {};
            for (int tap = 0; t >= layer.start && tap < taps; ++tap) {
                const int sy = y * w.stride_rows - w.top + tap / w.kernel_cols * w.dilation_rows;
                const int sx = x * w.stride_cols - w.left + tap % w.kernel_cols * w.dilation_cols;
                if (sy < 0 || sy >= in.rows || sx < 0 || sx >= in.cols) continue;
                const uint64_t spikes =
                    source[((size_t(sy) * work.slots + slot - w.delay) * in.cols + sx) * words +
                           block];
                int32_t* mine = taps_fired + size_t(tap) * 64;
                uint8_t won[64];
                for (int i = 0; i < 64; ++i) {
                    mine[i] += int32_t(spikes >> i & 1);
                    won[i] = mine[i] > most[i];
                    most[i] = won[i] ? mine[i] : most[i];
                }
                uint64_t winners = 0;
                for (int i = 0; i < 64; ++i) winners |= uint64_t(won[i]) << i;
                out = (out & ~winners) | (spikes & winners);
            }
            work.bits[((size_t(y) * work.slots + slot) * s.cols + x) * words + block] = out;
            for (uint64_t left = out; left; left &= left - 1) ++fired[__builtin_ctzll(left)];
        }
    }
}

void run_row(const Layer& layer, const Work& work, int block, int block_end, int row) {
    if (layer.model == GATE) {
        for (int b = block; b < block_end; ++b) run_gate(layer, work, b, row);
        return;
    }
    if (layer.wide) return run_kind<int64_t>(layer, work, block, block_end, row);
    run_kind<int32_t>(layer, work, block, block_end, row);
}

// Lists the events of one cell row in every step of `e`; the bits of the first are in `slot`.
void list_row(const Shape& s, const uint64_t* bits, int slots, int slot, int pool_rows,
              int pool_cols, int cell_row, const Events& e) {
    uint32_t* begin = e.events + e.start[cell_row];
    uint32_t* end = begin;
    const int y1 = (cell_row + 1) * pool_rows < s.rows ? (cell_row + 1) * pool_rows : s.rows;
    for (int step = 0; step < e.steps; ++step) {
        uint32_t* offsets =
            e.offsets + (size_t(cell_row) * e.steps + step) * (size_t(e.cell_cols) + 1);
        for (int cx = 0; cx < e.cell_cols; ++cx) {
            offsets[cx] = uint32_t(end - begin);
            const int x1 = (cx + 1) * pool_cols < s.cols ? (cx + 1) * pool_cols : s.cols;
            for (int y = cell_row * pool_rows; y < y1; ++y)
                for (int x = cx * pool_cols; x < x1; ++x) {
                    const uint64_t* from =
                        bits + ((size_t(y) * slots + slot + step) * s.cols + x) * s.words;
                    for (int w = 0; w < s.words; ++w) {
                        const int width = s.channels - w * 64 < 64 ? s.channels - w * 64 : 64;
                        end = list_bits(from[w], width, uint32_t(cx * s.channels + w * 64), end);
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
    const int channels = g.groups * 4, y0 = cell_row * g.pool_rows;
    const int rows = s.rows - y0 < g.pool_rows ? s.rows - y0 : g.pool_rows;
    const size_t row_words = size_t(slots) * s.cols * s.words;
    for (int step = 0; step < e.steps; ++step, map += e.map_step) {
        const uint64_t* from = bits + y0 * row_words + size_t(slot + step) * s.cols * s.words;
        uint8_t* to = map + size_t(g.left) * channels;
        for (int x = 0; x < s.cols; x += g.pool_cols, to += channels) {
            const int cols = s.cols - x < g.pool_cols ? s.cols - x : g.pool_cols;
            for (int w = 0; w < s.words; ++w) {
                const int width = s.channels - w * 64 < 64 ? s.channels - w * 64 : 64;
                sum_bits(from + size_t(x) * s.words + w, row_words, rows, size_t(s.words), cols,
                         width, to + 64 * w);
            }
        }
    }
}

size_t count_bits(const uint64_t* from, size_t words) {
    size_t total = 0;
    for (size_t i = 0; i < words; ++i) total += size_t(__builtin_popcountll(from[i]));
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

void add_current(const Current& c, const double* sample, size_t padded, int y, int x,
                 const double* factor, int64_t* out) {
    constexpr int lanes = 16;
    const size_t area = c.from.positions();
    for (size_t lane = 0; lane < padded; lane += lanes) {
        double sum[lanes] = {};
        for (int ky = 0; ky < c.kernel_rows; ++ky) {
            const int sy = y * c.stride_rows - c.top + ky * c.dilation_rows;
            if (sy < 0 || sy >= c.from.rows) continue;
            for (int kx = 0; kx < c.kernel_cols; ++kx) {
                const int sx = x * c.stride_cols - c.left + kx * c.dilation_cols;
                if (sx < 0 || sx >= c.from.cols) continue;
                const double* from = sample + size_t(sy) * c.from.cols + sx;
                for (int channel = 0; channel < c.from.channels; ++channel) {
                    const size_t tap = (size_t(channel) * c.kernel_rows + ky) * c.kernel_cols + kx;
                    const double* weight = c.weight + tap * padded + lane;
                    const double value = from[channel * area];
                    for (int i = 0; i < lanes; ++i) sum[i] += weight[i] * value;
                }
            }
        }
        for (int i = 0; i < lanes; ++i)
            out[lane + i] += int64_t(__builtin_nearbyint(sum[i] * factor[lane + i])) * c.multiple;
    }
}

}  // namespace

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
#define TEXT_(a) #a
#define TEXT(a) TEXT_(a)
extern const Kernels JOIN(kernels_, LEVEL) = {TEXT(LEVEL), WIDTH / 4, list_row, map_row, DENSE_FROM, count_bits,
                                                count_reached, add_current, run_row};

}  // namespace neurocomp
