// Populations that do not add up drive in one membrane: gates, random input, pooled drive.
//
// Part of layer.cpp, which is compiled once for each level.
#pragma once

#include "vectors.hpp"

namespace neurocomp {
namespace {

// Takes in one step's spikes of a tap, 64 channels; gives the estimates of their rates.
inline void estimate(const Window& w, uint64_t spikes, int32_t* state, int32_t* rates) {
    for (int i = 0; i < 64; ++i) {
        const int32_t spike = int32_t(spikes >> i & 1);
        if (w.estimate == AVERAGE)
            state[i] += spike;
        else if (w.estimate == EXPONENTIAL)
            state[i] += (spike << 16) - (state[i] >> w.shift);
        else
            state[i] = int32_t(uint32_t(state[i]) << 1 | uint32_t(spike));
        rates[i] = state[i];
    }
    if (w.estimate != FINITE) return;
    std::memset(rates, 0, 64 * sizeof *rates);
    for (int k = 0; k < w.history; ++k)
        for (int i = 0; i < 64; ++i)
            rates[i] += w.weights[k] & -(int32_t(uint32_t(state[i]) >> k & 1));
}

// The gate of spiking max pooling: the tap whose estimate is highest, the first of equals, is passed
// on. work.v holds the estimates' state, [position][block][tap][lane]. A tap in the padding has
// never fired.
void run_gate(const Layer& layer, const Work& work, int block, int y) {
    const Shape& s = layer.shape;
    const Window& w = *layer.window;
    const Shape& in = *work.from[0];
    const uint64_t* source = work.sources[0];
    const int words = s.words;
    for (int x = 0; x < s.cols; ++x) {
        const size_t position = size_t(y) * s.cols + x;
        int32_t* fired = static_cast<int32_t*>(work.counts) + position * layer.padded() + block * 64;
        int32_t* states = static_cast<int32_t*>(work.v) +
                          (position * layer.blocks + block) * size_t(w.taps()) * 64;
        for (int t = work.first; t <= work.last; ++t) {
            const int slot = work.slot + t - work.first;
            uint64_t out = 0;
            int32_t most[64], rates[64];
            for (int i = 0; i < 64; ++i) most[i] = INT32_MIN;
            for (int tap = 0; t >= layer.start && tap < w.taps(); ++tap) {
                const int sy = y * w.stride_rows - w.top + tap / w.kernel_cols * w.dilation_rows;
                const int sx = x * w.stride_cols - w.left + tap % w.kernel_cols * w.dilation_cols;
                const bool inside = sy >= 0 && sy < in.rows && sx >= 0 && sx < in.cols;
                const size_t row = size_t(inside ? sy : 0) * work.slots + slot - w.delay;
                const uint64_t spikes =
                    inside ? source[(row * in.cols + sx) * words + block] : uint64_t(0);
                estimate(w, spikes, states + size_t(tap) * 64, rates);
                uint64_t winners = 0;
                for (int i = 0; i < 64; ++i) {
                    winners |= uint64_t(rates[i] > most[i]) << i;
                    most[i] = rates[i] > most[i] ? rates[i] : most[i];
                }
                out = (out & ~winners) | (spikes & winners);
            }
            work.bits[((size_t(y) * work.slots + slot) * s.cols + x) * words + block] = out;
            for (uint64_t left = out; left; left &= left - 1) ++fired[__builtin_ctzll(left)];
        }
    }
}

// Source of the mixing: Steele et al. 2014 (splitmix64).
inline uint64_t mixed(uint64_t bits) {
    bits = (bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9u;
    bits = (bits ^ (bits >> 27)) * 0x94D049BB133111EBu;
    return bits ^ (bits >> 31);
}

constexpr uint64_t PLACE = 0x9E3779B97F4A7C15u;

// Gives the key of a sample's random spikes, of its drive, (position, lane).
template <class State>
uint64_t key_of(const Layer& layer, const State* drive, size_t pitch) {
    uint64_t sum = 0, place = 0;
    for (int c = 0; c < layer.shape.channels; ++c)
        for (size_t i = 0; i < layer.shape.positions(); ++i, place += PLACE)
            sum += mixed(uint64_t(int64_t(drive[i * pitch + c])) + place);
    return mixed(sum ^ layer.seed);
}

uint64_t sample_key(const Layer& layer, const void* drive, size_t pitch) {
    return layer.wide ? key_of(layer, static_cast<const int64_t*>(drive), pitch)
                      : key_of(layer, static_cast<const int32_t*>(drive), pitch);
}

// Draws spikes with the probability drive / 2^16; the membrane counts the steps.
template <class State>
void run_random(const Layer& layer, const Work& work, int block, int block_end, int y) {
    constexpr int most = 64;
    const Shape& s = layer.shape;
    const int steps = work.last - work.first + 1, end = block_end * layer.lanes;
    const int late = layer.start > work.first ? layer.start - work.first : 0;
    const size_t step_words = size_t(s.cols) * s.words;
    for (int x = 0; x < s.cols; ++x) {
        const size_t position = size_t(y) * s.cols + x, at = position * layer.padded();
        for (int c = block * layer.lanes; c < end && c < s.channels; ++c) {
            uint64_t* bits = work.bits + (size_t(y) * work.slots + work.slot) * step_words +
                             size_t(x) * s.words + c / 64;
            const uint64_t place = PLACE * ((uint64_t(c) * s.rows + y) * s.cols + x);
            const int64_t drive =
                static_cast<const State*>(work.drive)[position * work.drive_pitch + c];
            State& v = static_cast<State*>(work.v)[at + c];
            for (int from = 0; from < steps; from += most) {
                int64_t drawn[most];
                const uint64_t when = uint64_t(work.first + from - layer.start + 1);
                for (int i = 0; i < most; ++i)
                    drawn[i] = int64_t(mixed(work.key ^ mixed(place + ((when + i) << 32))) >> 48);
                for (int i = 0; i < most && from + i < steps; ++i) {
                    const bool active = from + i >= late, fired = active && drawn[i] < drive;
                    uint64_t& word = bits[size_t(from + i) * step_words];
                    word = (c % 64 ? word : 0) | uint64_t(fired) << c % 64;
                    static_cast<int32_t*>(work.counts)[at + c] += fired;
                    if (active && work.peak && int64_t(v) + drive > *work.peak)
                        *work.peak = int64_t(v) + drive;
                    v += State(active);
                    if (work.membranes)
                        work.membranes[((size_t(from + i) * s.channels + c) * s.rows + y) * s.cols +
                                       x] = int64_t(v);
                }
            }
        }
    }
}

// Fires where the fullest of a neuron's taps has reached the threshold, which all then give up. The
// drive of the taps is work.drives, by inner position; a tap in the padding gets its constant only.
template <class State>
void run_pool(const Layer& layer, const Work& work, int block, int block_end, int y) {
    using V = Full<State>;
    constexpr int each = WIDTH / int(sizeof(State));
    const Shape &s = layer.shape, &in = layer.inner;
    const Window& w = *layer.window;
    const size_t steps = size_t(work.last - work.first + 1), padded = layer.padded();
    const size_t step_words = size_t(s.cols) * s.words, tap_pitch = work.drive_pitch ? padded : 0;
    const State* drives = static_cast<const State*>(work.drives);
    for (int x = 0; x < s.cols; ++x) {
        const size_t position = size_t(y) * s.cols + x;
        for (size_t lane = size_t(block) * layer.lanes; lane < size_t(block_end) * layer.lanes;
             lane += each) {
            State* taps = static_cast<State*>(work.v) + position * w.taps() * padded + lane;
            const State* constant =
                static_cast<const State*>(work.drive) + position * work.drive_pitch + lane;
            const V threshold = load<V>(static_cast<const State*>(layer.threshold) +
                                        position * layer.threshold_pitch + lane);
            uint64_t* bits = work.bits + (size_t(y) * work.slots + work.slot) * step_words +
                             size_t(x) * s.words + lane / 64;
            V count{}, peak{};
            for (size_t step = 0; step < steps; ++step) {
                uint64_t fired = 0;
                if (work.first + int(step) >= layer.start) {
                    V top = V{} + std::numeric_limits<State>::min();
                    for (int tap = 0; tap < w.taps(); ++tap) {
                        const int sy =
                            y * w.stride_rows - w.top + tap / w.kernel_cols * w.dilation_rows;
                        const int sx =
                            x * w.stride_cols - w.left + tap % w.kernel_cols * w.dilation_cols;
                        V v = load<V>(taps + tap * padded) + load<V>(constant + tap * tap_pitch);
                        if (sy >= 0 && sy < in.rows && sx >= 0 && sx < in.cols)
                            v += load<V>(drives + ((size_t(sy) * in.cols + sx) * steps + step) * padded +
                                         lane);
                        store(taps + tap * padded, v);
                        top = v > top ? v : top;
                        const V magnitude = v < 0 ? -v : v;
                        peak = magnitude > peak ? magnitude : peak;
                    }
                    const V gives = top >= threshold ? threshold : V{};
                    fired = fire<State>(top, threshold, count, false);
                    for (int tap = 0; fired && tap < w.taps(); ++tap)
                        store(taps + tap * padded, load<V>(taps + tap * padded) - gives);
                }
                uint64_t& word = bits[step * step_words];
                word = (lane % 64 ? word : 0) | fired << lane % 64;
            }
            int32_t* counts = static_cast<int32_t*>(work.counts) + position * padded + lane;
            for (int i = 0; i < each; ++i) {
                counts[i] += int32_t(count[i]);
                if (work.peak && int(lane) + i < s.channels && int64_t(peak[i]) > *work.peak)
                    *work.peak = int64_t(peak[i]);
            }
        }
    }
}

}  // namespace
}  // namespace neurocomp
