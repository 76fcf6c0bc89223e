// Populations whose drive is added up position by position: integrate, fire, reset.
//
// Part of layer.cpp, which is compiled once for each level.
#pragma once

#include <climits>

#include "tiles.hpp"
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
inline void multiply_tile(const Gather& g, const Events& e, const int8_t* dense, int y, int x,
                          int step, int32_t* sums) {
    constexpr int each = WIDTH / 4, states = lanes / each;
    using V = Full<int32_t>;
    const int width = g.kernel_cols * g.groups;
    const int most = PAIRS ? MOST_PAIRS / (-INT8_MIN * g.pool_rows * g.pool_cols) : INT_MAX;
    V sum[tile][states] = {}, some[tile][states] = {};
    int held = 0;
    for (int ky = 0; ky < g.kernel_rows; ++ky) {
        const int cy = y * g.stride_rows - g.top + ky * g.dilation_rows;
        if (cy < 0 || cy >= e.cell_rows) continue;
        const uint8_t* from = e.map + size_t(cy) * e.map_row + size_t(step) * e.map_step +
                              size_t(x) * g.stride_cols * g.groups * 4;
        const int8_t* weight = dense + size_t(ky) * g.dense_row() * lanes * 4;
        for (int begin = 0; begin < width;) {
            const int end =
                !PAIRS || width - begin < most - held ? width : begin + most - held;
            held += end - begin;
            for (int k = begin; k < end; ++k, weight += lanes * 4) {
                V row[states];
#pragma GCC unroll 16
                for (int i = 0; i < states; ++i) row[i] = load<V>(weight + i * WIDTH);
#pragma GCC unroll 16
                for (int u = 0; u < tile; ++u) {
                    int32_t four;
                    std::memcpy(&four, from + u * e.map_step + 4 * k, 4);
                    const V spikes = V{} + four;
#pragma GCC unroll 16
                    for (int i = 0; i < states; ++i) some[u][i] = dot(some[u][i], spikes, row[i]);
                }
            }
            begin = end;
            if (!PAIRS || held < most) continue;
            held = 0;
            for (int u = 0; u < tile; ++u)
                for (int i = 0; i < states; ++i) {
                    sum[u][i] += all_of(some[u][i]);
                    some[u][i] = V{};
                }
        }
    }
    for (int u = 0; u < tile; ++u)
        for (int i = 0; i < states; ++i)
            store(sums + u * lanes + i * each, sum[u][i] + all_of(some[u][i]));
}

#if !defined(__AMX_INT8__)
struct Tiles {};

template <int lanes>
void multiply(Tiles&, const Gather& g, const Events& e, const int8_t* dense, int y, int x, int from,
              int to, int32_t* sums) {
    constexpr int tile = WIDTH == 64 && lanes == 32 ? 8 : WIDTH == 64 ? 4 : lanes == 32 ? 2 : 1;
    int step = from;
    for (; step + tile <= to; step += tile, sums += tile * lanes)
        multiply_tile<lanes, tile>(g, e, dense, y, x, step, sums);
    if constexpr (tile == 8)
        for (; step + 4 <= to; step += 4, sums += 4 * lanes)
            multiply_tile<lanes, 4>(g, e, dense, y, x, step, sums);
    for (; step < to; ++step, sums += lanes)
        multiply_tile<lanes, 1>(g, e, dense, y, x, step, sums);
}
#endif

// Multiplies all cells of the window of gather `i` with each digit of their weights.
template <int lanes>
void multiply_digits(Tiles& tiles, const Layer& layer, const Work& work, int i, int block, int y,
                     int x, int from, int to) {
    const Gather& g = layer.gathers[i];
    const int8_t* dense = g.dense + size_t(block) * g.kernel_rows * g.dense_row() * lanes * 4;
    int32_t* sums = work.sums + size_t(i) * MOST_DIGITS * work.span * lanes;
    for (int d = 0; d < g.digits; ++d)
        multiply<lanes>(tiles, g, work.events[i], dense + d * g.dense_digit(lanes), y, x, from, to,
                        sums + size_t(d) * work.span * lanes);
}

// Adds what single channels drive: the weight of a tap where its bit is set.
template <class State, int lanes>
inline void add_channels(const Layer& layer, const Work& work, int block, int y, int x, int step,
                         Full<State>* drive) {
    constexpr int each = WIDTH / int(sizeof(State)), states = lanes / each;
    for (int i = 0; i < layer.channels_count; ++i) {
        const Channels& c = layer.channels[i];
        const Shape& in = *work.from[i];
        const int slot = work.slot + step - c.delay;
        for (int ky = 0; ky < c.kernel_rows; ++ky) {
            const int sy = y * c.stride_rows - c.top + ky * c.dilation_rows;
            if (sy < 0 || sy >= in.rows) continue;
            const uint64_t* row =
                work.sources[i] + (size_t(sy) * work.slots + slot) * in.cols * in.words;
            for (int kx = 0; kx < c.kernel_cols; ++kx) {
                const int sx = x * c.stride_cols - c.left + kx * c.dilation_cols;
                if (sx < 0 || sx >= in.cols) continue;
                const uint64_t word = row[size_t(sx) * in.words + block * lanes / 64];
                const State* weight = static_cast<const State*>(c.weight) +
                                      size_t(ky * c.kernel_cols + kx) * layer.padded() +
                                      block * lanes;
#pragma GCC unroll 16
                for (int k = 0; k < states; ++k)
                    add_where<State>(drive[k], word >> (k * each),
                                     load<Full<State>>(weight + k * each));
            }
        }
    }
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
    const Shape& s = layer.inner;
    const size_t position = size_t(y) * s.cols + x, at = position * layer.padded() + block * lanes;
    State* state = static_cast<State*>(work.v) + at;
    int32_t* counts = static_cast<int32_t*>(work.counts) + at;
    State* drives = static_cast<State*>(work.drives);
    const State* constant =
        static_cast<const State*>(work.drive) + position * work.drive_pitch + block * lanes;
    const State* threshold = static_cast<const State*>(layer.threshold) +
                             (drives ? 0 : position * layer.threshold_pitch) + block * lanes;
    const size_t steps = size_t(work.last - work.first + 1), step_words = size_t(s.cols) * s.words;
    uint64_t* bits = work.bits ? work.bits +
                                     (size_t(y) * work.slots + work.slot) * step_words +
                                     size_t(x) * s.words + block * lanes / 64
                               : nullptr;
    const bool zero = layer.model != SUBTRACT;
    const bool forgets = layer.model == ALWAYS;  // membranes that did not fire, too
    V v[states], count[states] = {};
    for (int k = 0; k < states; ++k) v[k] = drives ? V{} : load<V>(state + k * each);
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
                if (block < g.block || block >= g.block_end) continue;
                const char* weight =
                    static_cast<const char*>(g.weight) +
                    size_t(block - g.block) * (size_t(g.rows) + 1) * lanes * sizeof(W);
                const size_t listed = size_t(i) * work.span + (step - from);
                if (work.events[i].map) {
                    const size_t digit = size_t(work.span) * lanes;
                    const int32_t* sums = work.sums + size_t(i) * MOST_DIGITS * digit +
                                          size_t(step - from) * lanes;
                    for (int k = 0; k < states; ++k, sums += each) {
                        V sum = widened<State, int32_t>(sums + (g.digits - 1) * digit);
                        for (int d = g.digits - 2; d >= 0; --d)
                            sum = (sum << 8) + widened<State, int32_t>(sums + d * digit);
                        drive[k] += sum << g.shift;
                    }
                    continue;
                }
                add_rows<State, kind, lanes>(g, weight, work.list + listed * work.list_size,
                                                             found[listed], drive);
            }
            if (layer.channels_count)
                add_channels<State, lanes>(layer, work, block, y, x, step, drive);
            if (drives) {
                State* out = drives + (position * steps + step) * layer.padded() + block * lanes;
                for (int k = 0; k < states; ++k) store(out + k * each, drive[k]);
                continue;
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
                for (int k = 0; k < states; ++k) {
                    word |= fire<State>(v[k], load<V>(threshold + k * each), count[k], zero)
                            << (k * each);
                }
            if (forgets)
                for (int k = 0; k < states; ++k) v[k] = V{};
        }
        if (bits) bits[size_t(step) * step_words] = word;
        if (work.membranes) {
            alignas(64) State now[lanes];
            for (int k = 0; k < states; ++k) store(now + k * each, v[k]);
            note(layer, work, now, block, y, x, t);
        }
    }
    if (drives) return;
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
        if (layer.model <= ZERO && !layer.gather_count && !layer.channels_count && !work.extra &&
            !work.membranes && !work.peak)
            return run_steady<State, lanes>(layer, work, y);
    uint32_t found[MOST_LISTS];
    Tiles tiles;
    for (int from = 0; from < steps; from += work.span) {
        const int to = from + work.span < steps ? from + work.span : steps;
        for (int x = 0; x < layer.inner.cols; ++x) {
            for (int i = 0; i < layer.gather_count; ++i) {
                const Gather& g = layer.gathers[i];
                if (work.events[i].map || block_end <= g.block || block >= g.block_end) continue;
                for (int step = from; step < to; ++step) {
                    const size_t listed = size_t(i) * work.span + (step - from);
                    found[listed] = collect(g, work.events[i], g.channels, y, x, step, pitch,
                                            work.list + listed * work.list_size);
                }
            }
            for (int b = block; b < block_end; ++b) {
                for (int i = 0; i < layer.gather_count; ++i) {
                    const Gather& g = layer.gathers[i];
                    if (work.events[i].map && b >= g.block && b < g.block_end)
                        multiply_digits<lanes>(tiles, layer, work, i, b - g.block, y, x, from, to);
                }
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
    if constexpr (sizeof(State) == 8)  // such sums want such weights
        return run_lanes<State, FULL>(layer, work, block, block_end, y);
    else switch (layer.kind) {
        case BYTE: return run_lanes<State, BYTE>(layer, work, block, block_end, y);
        case NARROW: return run_lanes<State, NARROW>(layer, work, block, block_end, y);
        case WORD: return run_lanes<State, WORD>(layer, work, block, block_end, y);
        case FULL: return run_lanes<State, FULL>(layer, work, block, block_end, y);
    }
}

}  // namespace
}  // namespace neurocomp
