// The Python module: it checks everything that the kernel then relies on, and owns the memory.

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/array.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <array>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <string>

#include "run.hpp"

namespace nb = nanobind;
using namespace neurocomp;

namespace {

constexpr int MOST = 1 << 24;  // of any length, so that products of two fit 64 bits

template <class T, int ndim>
using In = nb::ndarray<const T, nb::ndim<ndim>, nb::c_contig, nb::device::cpu>;
template <class T>
using Out = std::optional<nb::ndarray<T, nb::c_contig, nb::device::cpu>>;
using Weights = nb::ndarray<nb::ro, nb::ndim<4>, nb::c_contig, nb::device::cpu>;

[[noreturn]] void refuse(const std::string& wrong) { throw nb::value_error(wrong.c_str()); }

void need(bool holds, const char* wrong) {
    if (!holds) refuse(wrong);
}

void between(const char* what, int64_t value, int64_t low, int64_t high) {
    if (value < low || value > high)
        refuse(std::string(what) + " is " + std::to_string(value) + ", it lies in " +
               std::to_string(low) + ".." + std::to_string(high));
}

template <class A>
void extent(const char* what, const A& array, std::initializer_list<size_t> wanted) {
    bool same = array.ndim() == wanted.size();
    size_t axis = 0;
    for (size_t n : wanted) same = same && array.shape(axis++) == n;
    if (same) return;
    std::string text = std::string(what) + " has shape (";
    for (size_t i = 0; i < array.ndim(); ++i) text += std::to_string(array.shape(i)) + ", ";
    text += "), (";
    for (size_t n : wanted) text += std::to_string(n) + ", ";
    refuse(text + ") is needed");
}

struct Free {
    void operator()(void* p) const { std::free(p); }
};
using Memory = std::unique_ptr<void, Free>;

Memory allocate(size_t bytes) {
    Memory memory(std::aligned_alloc(64, (bytes + 63) / 64 * 64 + 64));
    if (!memory) throw std::bad_alloc();
    return memory;
}

// Copies 64-bit numbers into the state type; raises where one does not fit.
Memory states(const char* what, const int64_t* from, size_t count, bool wide) {
    Memory memory = allocate(count * (wide ? 8 : 4));
    if (wide) {
        std::memcpy(memory.get(), from, count * 8);
        return memory;
    }
    auto* to = static_cast<int32_t*>(memory.get());
    for (size_t i = 0; i < count; ++i) {
        between(what, from[i], INT32_MIN, INT32_MAX);
        to[i] = int32_t(from[i]);
    }
    return memory;
}

// Brings weights, (target channels, source channels, kernel rows, kernel columns), into the order
// [block][tap][source channel][lane] and adds a zero row to each block; gives the largest magnitude.
template <class T>
int64_t pack(const Weights& weight, int lanes, T* to) {
    constexpr size_t tile = 16;  // of the source's order, so that both orders stay in the cache
    const size_t outs = weight.shape(0), ins = weight.shape(1);
    const size_t taps = weight.shape(2) * weight.shape(3), rows = ins * taps;
    const T* from = static_cast<const T*>(weight.data());
    int64_t most = 1;
    for (size_t first = 0; first < outs; first += lanes, to += (rows + 1) * lanes) {
        const size_t used = std::min(outs - first, size_t(lanes));
        if (used < size_t(lanes)) std::memset(to, 0, rows * lanes * sizeof(T));
        std::memset(to + rows * lanes, 0, lanes * sizeof(T));
        for (size_t begin = 0; begin < rows; begin += tile)
            for (size_t lane = 0; lane < used; ++lane) {
                const T* kernel = from + (first + lane) * rows;
                for (size_t i = begin; i < std::min(begin + tile, rows); ++i) {
                    to[(i % taps * ins + i / taps) * lanes + lane] = kernel[i];
                    const int64_t w = kernel[i];
                    most = w > most ? w : -w > most ? -w : most;
                }
            }
    }
    return most;
}

constexpr size_t MOST_CELL = 64;                 // positions, whose spikes times 128 fit 16 bits twice
constexpr size_t MOST_DENSE = size_t(256) << 20;  // bytes of a dense form

// Counts the signed bytes that numbers up to `most` are written in: those of n bytes reach up to 127
// in each.
int digits(int64_t most) {
    int count = 1;
    for (int64_t reach = INT8_MAX; reach < most; reach = reach * 256 + INT8_MAX) ++count;
    return count;
}

// Gives packed weights by 4 channels for the dense form, see Gather.
template <class T>
Memory by_fours(const Gather& g, int lanes) {
    const size_t blocks = size_t(g.block_end - g.block), rows = size_t(g.rows);
    const size_t row_size = size_t(g.dense_row()) * lanes * 4, size = g.kernel_rows * row_size;
    const size_t digit = g.dense_digit(lanes);
    Memory memory = allocate(g.digits * digit);
    auto* to = static_cast<int8_t*>(memory.get());
    std::memset(to, 0, g.digits * digit);
    const T* from = static_cast<const T*>(g.weight);
    for (size_t b = 0; b < blocks; ++b, from += lanes)  // over the zero row
        for (size_t row = 0; row < rows; ++row) {
            const size_t tap = row / g.channels, channel = row % g.channels;
            const size_t ky = tap / g.kernel_cols, kx = tap % g.kernel_cols;
            int8_t* group = to + b * size + ky * row_size +
                            (kx * g.groups + channel / 4) * lanes * 4 + channel % 4;
            for (int i = 0; i < lanes; ++i) {
                int32_t left = *from++;
                for (int d = 0; d < g.digits; ++d) {
                    const int8_t lowest = int8_t(left);
                    group[d * digit + i * 4] = lowest;
                    left = (left - lowest) / 256;
                }
            }
        }
    return memory;
}

struct Owned {
    Part part{};
    std::vector<Gather> gathers;
    std::vector<Channels> channels;
    std::vector<Scatter> scatters;
    std::optional<Window> window;
    std::vector<Current> inputs;
    std::vector<const double*> samples;
    std::vector<Memory> memory;

    template <class T>
    const T* keep(Memory m) {
        memory.push_back(std::move(m));
        return static_cast<const T*>(memory.back().get());
    }
};

using Geometry = std::array<int, 8>;  // kernel, strides, top and left, dilations

template <class T>
void place(T& window, const Geometry& g) {
    window.kernel_rows = g[0];
    window.kernel_cols = g[1];
    window.stride_rows = g[2];
    window.stride_cols = g[3];
    window.top = g[4];
    window.left = g[5];
    window.dilation_rows = g[6];
    window.dilation_cols = g[7];
}

class Machine {
   public:
    Machine() = default;
    Machine(const Machine&) = delete;
    Machine& operator=(const Machine&) = delete;

    // `inner` are the rows and columns of the drive, `pool` the window over it; of other models the
    // population's own, and none.
    int add_population(std::array<int, 3> shape, int model, int start, int lanes, bool wide,
                       int kind, In<int64_t, 2> threshold, In<int64_t, 2> v_init,
                       In<int64_t, 2> steady, uint64_t seed, std::array<int, 2> inner,
                       std::optional<Geometry> pool) {
        for (int n : shape) between("a population's axis", n, 1, MOST);
        for (int n : inner) between("a drive's axis", n, 1, MOST);
        between("the neurons", int64_t(shape[0]) * shape[1] * shape[2], 1, INT_MAX);
        between("the drives", int64_t(shape[0]) * inner[0] * inner[1], 1, INT_MAX);
        between("the model", model, SUBTRACT, POOL);
        between("the weights' kind", kind, BYTE, FULL);
        between("the first step", start, 1, INT_MAX);
        need(lanes == 64 || lanes == 32 || (lanes == 16 && kind >= WORD),
             "lanes are neither 64 nor 32, nor 16 with 32-bit sums");
        need(!wide || kind == FULL, "64-bit membranes take 32-bit weights");
        need(lanes == 64 || (shape[0] <= lanes && model != GATE), "one block is too narrow");
        need((model == POOL) == bool(pool), "a population that pools has a window, no other one");
        need(model == POOL || (inner[0] == shape[1] && inner[1] == shape[2]),
             "the drive has another shape and is not pooled");
        auto owned = std::make_unique<Owned>();
        Layer& l = owned->part.layer;
        l.shape = Shape{shape[0], shape[1], shape[2], (shape[0] + 63) / 64};
        l.inner = Shape{shape[0], inner[0], inner[1], (shape[0] + 63) / 64};
        l.model = Model(model);
        l.start = start;
        l.lanes = lanes;
        l.blocks = (shape[0] + lanes - 1) / lanes;
        l.wide = wide && model != GATE;
        l.kind = Kind(kind);
        l.seed = seed;
        if (pool) {
            check(*pool);
            between("the taps", int64_t((*pool)[0]) * (*pool)[1], 1, MOST);
            owned->window = Window{};
            place(*owned->window, *pool);
        }
        if (l.model != GATE) {
            const size_t taps = pool ? size_t(owned->window->taps()) : 1, padded = l.padded();
            const size_t positions = l.shape.positions(), all = positions * taps;
            between("the membranes", int64_t(all * padded), 1, int64_t(MOST) * INT_MAX);
            extent("v_init", v_init, {all, padded});
            const size_t t = threshold.shape(0) == 1 ? 1 : positions;
            const size_t s = steady.shape(0) == 1 ? 1 : all;
            extent("threshold", threshold, {t, padded});
            extent("steady drive", steady, {s, padded});
            l.threshold = owned->keep<void>(states("a threshold", threshold.data(), t * padded, wide));
            l.threshold_pitch = t == 1 ? 0 : padded;
            owned->part.v_init =
                owned->keep<void>(states("v_init", v_init.data(), all * padded, wide));
            owned->part.steady =
                owned->keep<void>(states("a bias", steady.data(), s * padded, wide));
            owned->part.steady_pitch = s == 1 ? 0 : padded * taps;
        }
        parts_.push_back(std::move(owned));
        return int(parts_.size()) - 1;
    }

    // Reads the source's channels from 64 * `word` on and drives the target's from `channel` on.
    void add_gather(int target, int source, int delay, int shift, std::array<int, 2> pool,
                    Geometry geometry, Weights weight, std::optional<In<int32_t, 2>> fan_out,
                    int word, int channel) {
        Owned& owned = ends(target, source, delay);
        const Layer& l = owned.part.layer;
        const Shape& from = part(source).layer.shape;
        need(l.model != RANDOM, "random spikes take a current and nothing else");
        between("the gathers into one population", int64_t(owned.gathers.size()), 0, MOST_LISTS - 1);
        between("the shift", shift, 0, l.wide ? 62 : 30);
        for (int n : pool) between("a pool's side", n, 1, MOST);
        between("a pool's area", int64_t(pool[0]) * pool[1], 1, MOST);
        check(geometry);
        const int64_t outs = int64_t(weight.shape(0)), ins = int64_t(weight.shape(1));
        between("the source channels", ins, 1, from.channels);
        between("the target channels", outs, 1, l.shape.channels);
        between("the first word", word, 0, (from.channels - ins) / 64);
        between("the first target channel", channel, 0, l.shape.channels - outs);
        need(word * 64 + ins == from.channels || ins % 64 == 0, "source channels are no whole words");
        need(channel % l.lanes == 0 && (channel + outs == l.shape.channels || outs % l.lanes == 0),
             "target channels are no whole blocks");
        const int64_t rows = int64_t(geometry[0]) * geometry[1] * ins;
        between("the rows of weights", rows, 1, INT_MAX);
        extent("weight", weight, {size_t(outs), size_t(ins), size_t(geometry[0]), size_t(geometry[1])});
        const int size = l.kind == BYTE ? 1 : l.kind == FULL ? 4 : 2;
        if (weight.dtype() != nb::dlpack::dtype{uint8_t(nb::dlpack::dtype_code::Int),
                                                uint8_t(size * 8), 1})
            throw nb::type_error(
                ("weight is not of int" + std::to_string(size * 8) + ", its kind needs that")
                    .c_str());
        between("the bytes of a block", (rows + 1) * l.lanes * size, 1, UINT32_MAX);
        Gather g{};
        g.source = source;
        g.delay = delay;
        place(g, geometry);
        g.shift = shift;
        g.pool_rows = pool[0];
        g.pool_cols = pool[1];
        g.word = word;
        g.channels = int(ins);
        g.block = channel / l.lanes;
        g.block_end = int((channel + outs + l.lanes - 1) / l.lanes);
        g.rows = int(rows);
        Memory memory =
            allocate(size_t(g.block_end - g.block) * size_t(rows + 1) * l.lanes * size);
        const int64_t most = size == 1   ? pack(weight, l.lanes, static_cast<int8_t*>(memory.get()))
                             : size == 2 ? pack(weight, l.lanes, static_cast<int16_t*>(memory.get()))
                                         : pack(weight, l.lanes, static_cast<int32_t*>(memory.get()));
        between("the largest weight", most, 1, (l.kind <= NARROW ? INT16_MAX : INT32_MAX) / 4);
        g.flush = int((l.kind <= NARROW ? INT16_MAX : INT32_MAX) / most);
        g.weight = owned.keep<void>(std::move(memory));
        const size_t area = size_t(pool[0]) * pool[1];
        g.groups = (g.channels + 3) / 4;
        g.digits = digits(most);
        if (l.lanes >= 32 && area <= MOST_CELL && geometry[7] == 1 &&
            size_t(g.rows) * area <= INT32_MAX / -INT8_MIN &&
            g.digits * g.dense_digit(l.lanes) <= MOST_DENSE) {
            g.dense = owned.keep<int8_t>(size == 1   ? by_fours<int8_t>(g, l.lanes)
                                         : size == 2 ? by_fours<int16_t>(g, l.lanes)
                                                     : by_fours<int32_t>(g, l.lanes));
        }
        if (fan_out) {
            extent("fan_out", *fan_out, {size_t(from.rows), size_t(from.cols)});
            g.fan_out = copied(owned, fan_out->data(), from.positions());
        }
        owned.gathers.push_back(g);
    }

    // `weight` is [tap][lane], shifted already.
    void add_channels(int target, int source, int delay, Geometry geometry, In<int64_t, 2> weight,
                      In<int32_t, 2> fan_out) {
        Owned& owned = ends(target, source, delay);
        const Layer& l = owned.part.layer;
        const Shape& from = part(source).layer.shape;
        need(l.model != RANDOM, "random spikes take a current and nothing else");
        need(from.channels == l.shape.channels, "single channels keep their number");
        check(geometry);
        const size_t taps = size_t(geometry[0]) * geometry[1];
        extent("weight", weight, {taps, l.padded()});
        extent("fan_out", fan_out, {size_t(from.rows), size_t(from.cols)});
        Channels c{};
        c.source = source;
        c.delay = delay;
        place(c, geometry);
        c.weight = owned.keep<void>(states("a weight", weight.data(), taps * l.padded(), l.wide));
        c.fan_out = copied(owned, fan_out.data(), from.positions());
        owned.channels.push_back(c);
    }

    void add_scatter(int target, int source, int delay, int shift, In<int64_t, 1> start,
                     In<int32_t, 1> post, In<int32_t, 1> weight) {
        Owned& owned = ends(target, source, delay);
        const Layer& l = owned.part.layer;
        const Shape& from = part(source).layer.shape;
        need(l.model != RANDOM, "random spikes take a current and nothing else");
        between("the shift", shift, 0, l.wide ? 62 : 30);
        extent("start", start, {from.positions() * from.channels + 1});
        extent("weight", weight, {post.shape(0)});
        const size_t last = start.shape(0) - 1;
        need(start.data()[0] == 0 && start.data()[last] == int64_t(post.shape(0)),
             "start does not run from 0 to the count of synapses");
        for (size_t i = 0; i < last; ++i)
            need(start.data()[i] <= start.data()[i + 1], "start goes back");
        between("the lanes", int64_t(l.inner.positions() * l.padded()), 1, INT_MAX);
        for (size_t i = 0; i < post.shape(0); ++i)
            between("a target", post.data()[i], 0,
                    int64_t(l.inner.positions() * l.padded()) - 1);
        Scatter s{};
        s.source = source;
        s.delay = delay;
        s.shift = shift;
        s.start = copied(owned, start.data(), start.shape(0));
        s.post = copied(owned, post.data(), post.shape(0));
        s.weight = copied(owned, weight.data(), weight.shape(0));
        owned.scatters.push_back(s);
    }

    // A gate's window. `estimate`: 0, or a shift, or weights of the last steps.
    void add_window(int target, int source, int delay, Geometry geometry, In<int32_t, 2> fan_out,
                    int shift, In<int32_t, 1> weights) {
        between("the target", target, 0, int64_t(parts_.size()) - 1);
        Owned& owned = *parts_[size_t(target)];
        need(owned.part.layer.model == GATE && !owned.window, "a gate alone takes one window");
        read(source, delay);
        const Shape& from = part(source).layer.shape;
        need(from.channels == owned.part.layer.shape.channels, "a gate keeps the channels");
        check(geometry);
        between("the taps", int64_t(geometry[0]) * geometry[1], 1, MOST);
        extent("fan_out", fan_out, {size_t(from.rows), size_t(from.cols)});
        between("the shift", shift, 0, 14);
        between("the history", int64_t(weights.shape(0)), 0, 32);
        int64_t sum = 0;
        for (size_t i = 0; i < weights.shape(0); ++i) sum += std::abs(int64_t(weights.data()[i]));
        between("the weights' sum", sum, 0, INT32_MAX);
        Window w{};
        w.source = source;
        w.delay = delay;
        place(w, geometry);
        w.fan_out = copied(owned, fan_out.data(), from.positions());
        w.estimate = weights.shape(0) ? FINITE : shift ? EXPONENTIAL : AVERAGE;
        w.shift = shift;
        w.weights = copied(owned, weights.data(), weights.shape(0));
        w.history = int(weights.shape(0));
        owned.window = w;
    }

    void add_current(int target, std::array<int, 3> shape, Geometry geometry,
                     In<double, 2> weight, In<double, 2> factor, int64_t multiple) {
        between("the target", target, 0, int64_t(parts_.size()) - 1);
        Owned& owned = *parts_[size_t(target)];
        const Layer& l = owned.part.layer;
        need(l.model != GATE, "a gate takes one window and nothing else");
        for (int n : shape) between("an input's axis", n, 1, MOST);
        between("the inputs", int64_t(shape[0]) * shape[1] * shape[2], 1, INT_MAX);
        check(geometry);
        const size_t taps = size_t(shape[0]) * geometry[0] * geometry[1];
        const size_t positions = factor.shape(0) == 1 ? 1 : l.inner.positions();
        extent("weight", weight, {taps, l.padded()});
        extent("factor", factor, {positions, l.padded()});
        Current c{};
        c.from = Shape{shape[0], shape[1], shape[2], 0};
        place(c, geometry);
        c.weight = copied(owned, weight.data(), taps * l.padded());
        c.factor = copied(owned, factor.data(), positions * l.padded());
        c.factor_pitch = positions == 1 ? 0 : l.padded();
        c.multiple = multiple;
        owned.inputs.push_back(c);
    }

    void run(std::vector<Group> groups, int samples, int steps, int tile, int threads,
             const std::string& level, std::vector<std::optional<In<int64_t, 3>>> currents,
             std::vector<std::vector<In<double, 4>>> inputs,
             std::vector<Out<int32_t>> counts, std::vector<Out<int64_t>> operations,
             std::vector<Out<uint64_t>> bits, std::vector<Out<int64_t>> membranes,
             std::vector<Out<int64_t>> peak) {
        between("samples", samples, 1, INT_MAX);
        between("steps", steps, 1, MOST);
        between("tile", tile, 1, MOST);
        between("threads", threads, 1, 1024);
        Job job{};
        job.groups = std::move(groups);
        job.samples = samples;
        job.steps = steps;
        job.tile = tile;
        job.threads = threads;
        job.kernels = find(level);
        job.history = 1;
        const size_t n = parts_.size();
        need(currents.size() == n && inputs.size() == n && counts.size() == n && operations.size() == n &&
                 bits.size() == n && membranes.size() == n && peak.size() == n,
             "each list holds one entry for each population");
        check_groups(job.groups);
        const size_t all = size_t(samples), each = size_t(steps);
        for (size_t p = 0; p < n; ++p) {
            Owned& owned = *parts_[p];
            Layer& l = owned.part.layer;
            need(l.model != GATE || owned.window, "a gate has no window");
            need(l.model != RANDOM || currents[p] || !inputs[p].empty(),
                 "random spikes have no probability");
            l.gathers = owned.gathers.data();
            l.gather_count = int(owned.gathers.size());
            l.channels = owned.channels.data();
            l.channels_count = int(owned.channels.size());
            l.scatters = owned.scatters.data();
            l.scatter_count = int(owned.scatters.size());
            l.window = owned.window ? &*owned.window : nullptr;
            for (const Gather& g : owned.gathers) job.history = std::max(job.history, g.delay);
            for (const Channels& g : owned.channels) job.history = std::max(job.history, g.delay);
            for (const Scatter& g : owned.scatters) job.history = std::max(job.history, g.delay);
            if (l.window) job.history = std::max(job.history, l.window->delay);
            const Shape& s = l.shape;
            const size_t c = size_t(s.channels), y = size_t(s.rows), x = size_t(s.cols);
            Part part = owned.part;
            if (currents[p]) {
                const size_t taps = l.window ? size_t(l.window->taps()) : 1;
                extent("a current", *currents[p], {all, c, y * x * taps});
                if (!l.wide)
                    for (size_t i = 0; i < all * c * y * x * taps; ++i)
                        between("a current", currents[p]->data()[i], INT32_MIN, INT32_MAX);
                part.currents = currents[p]->data();
            }
            need(inputs[p].size() == owned.inputs.size(), "each current takes one array of samples");
            need(!currents[p] || inputs[p].empty(), "currents are given or computed, not both");
            owned.samples.clear();
            for (size_t i = 0; i < inputs[p].size(); ++i) {
                const Shape& f = owned.inputs[i].from;
                extent("an input", inputs[p][i],
                       {all, size_t(f.channels), size_t(f.rows), size_t(f.cols)});
                owned.samples.push_back(inputs[p][i].data());
            }
            part.inputs = owned.inputs.data();
            part.samples = owned.samples.data();
            part.input_count = int(owned.inputs.size());
            part.kept.counts = out("counts", counts[p], {all, c, y, x});
            part.kept.operations = out("operations", operations[p], {all, each});
            part.kept.bits = out("bits", bits[p], {all, y, each, x, size_t(s.words)});
            part.kept.membranes = out("membranes", membranes[p], {all, each, c, y, x});
            need(!part.kept.membranes || (l.model != GATE && l.model != POOL),
                 "what pools has no one membrane");
            part.kept.peak = out("peak", peak[p], {all});
            job.parts.push_back(part);
        }
        between("the longest delay", job.history, 1, MOST);
        nb::gil_scoped_release release;
        neurocomp::run(job);
    }

   private:
    std::vector<std::unique_ptr<Owned>> parts_;

    const Part& part(int p) const { return parts_[size_t(p)]->part; }

    Owned& ends(int target, int source, int delay) {
        between("the target", target, 0, int64_t(parts_.size()) - 1);
        read(source, delay);
        need(part(target).layer.model != GATE, "a gate takes one window and nothing else");
        return *parts_[size_t(target)];
    }

    void read(int source, int delay) const {
        between("the source", source, 0, int64_t(parts_.size()) - 1);
        between("the delay", delay, 1, MOST);
        need(part(source).layer.model != ACCUMULATE, "an accumulator never fires");
    }

    template <class T>
    static const T* copied(Owned& owned, const T* from, size_t count) {
        Memory memory = allocate(count * sizeof(T));
        std::memcpy(memory.get(), from, count * sizeof(T));
        return owned.keep<T>(std::move(memory));
    }

    template <class T>
    static T* out(const char* what, const Out<T>& array, std::initializer_list<size_t> wanted) {
        if (!array) return nullptr;
        extent(what, *array, wanted);
        return array->data();
    }

    static void check(const Geometry& g) {
        for (int i : {0, 1, 2, 3, 6, 7}) between("a kernel, stride or dilation", g[i], 1, 1 << 14);
        for (int i : {4, 5}) between("a padding", g[i], 0, MOST);
    }

    // Each population runs once, and after every other one that it reads, unless in its group.
    void check_groups(const std::vector<Group>& groups) const {
        std::vector<int> place(parts_.size(), -1);
        size_t found = 0;
        for (size_t i = 0; i < groups.size(); ++i)
            for (int p : groups[i]) {
                between("a population of a group", p, 0, int64_t(parts_.size()) - 1);
                need(place[size_t(p)] == -1, "a population is in two groups");
                place[size_t(p)] = int(i);
                ++found;
            }
        need(found == parts_.size(), "a population is in no group");
        for (size_t p = 0; p < parts_.size(); ++p) {
            auto follows = [&](int source) {
                need(place[size_t(source)] <= place[p], "a population runs before its source");
            };
            for (const Gather& g : parts_[p]->gathers) follows(g.source);
            for (const Channels& c : parts_[p]->channels) follows(c.source);
            for (const Scatter& s : parts_[p]->scatters) follows(s.source);
            if (part(int(p)).layer.model == GATE && parts_[p]->window) follows(parts_[p]->window->source);
        }
    }

    static const Kernels* find(const std::string& level) {
        std::string names;
        for (const Kernels* k : levels()) {
            if (level == k->name) return k;
            names += std::string(names.empty() ? "" : ", ") + k->name;
        }
        refuse("level " + level + " is not one of this processor's: " + names);
    }
};

}  // namespace

NB_MODULE(kernel, m) {
    m.doc() = "The inner loops of the simulator; see plan.hpp for the layout of every array.";
    m.attr("INTERFACE") = INTERFACE;
    m.def("levels", [] {
        std::vector<std::string> names;
        for (const Kernels* k : levels()) names.push_back(k->name);
        return names;
    });
    nb::class_<Machine>(m, "Machine")
        .def(nb::init<>())
        .def("add_population", &Machine::add_population, nb::arg("shape"), nb::arg("model"),
             nb::arg("start"), nb::arg("lanes"), nb::arg("wide"), nb::arg("kind"),
             nb::arg("threshold").noconvert(), nb::arg("v_init").noconvert(),
             nb::arg("steady").noconvert(), nb::arg("seed"), nb::arg("inner"),
             nb::arg("pool").none())
        .def("add_gather", &Machine::add_gather, nb::arg("target"), nb::arg("source"),
             nb::arg("delay"), nb::arg("shift"), nb::arg("pool"), nb::arg("geometry"),
             nb::arg("weight").noconvert(), nb::arg("fan_out").noconvert().none(), nb::arg("word"),
             nb::arg("channel"))
        .def("add_channels", &Machine::add_channels, nb::arg("target"), nb::arg("source"),
             nb::arg("delay"), nb::arg("geometry"), nb::arg("weight").noconvert(),
             nb::arg("fan_out").noconvert())
        .def("add_scatter", &Machine::add_scatter, nb::arg("target"), nb::arg("source"),
             nb::arg("delay"), nb::arg("shift"), nb::arg("start").noconvert(),
             nb::arg("post").noconvert(), nb::arg("weight").noconvert())
        .def("add_current", &Machine::add_current, nb::arg("target"), nb::arg("shape"),
             nb::arg("geometry"), nb::arg("weight").noconvert(), nb::arg("factor").noconvert(),
             nb::arg("multiple"))
        .def("add_window", &Machine::add_window, nb::arg("target"), nb::arg("source"),
             nb::arg("delay"), nb::arg("geometry"), nb::arg("fan_out").noconvert(),
             nb::arg("shift"), nb::arg("weights").noconvert())
        .def("run", &Machine::run, nb::arg("groups"), nb::arg("samples"), nb::arg("steps"),
             nb::arg("tile"), nb::arg("threads"), nb::arg("level"),
             nb::arg("currents").noconvert(), nb::arg("inputs").noconvert(), nb::arg("counts").noconvert(),
             nb::arg("operations").noconvert(), nb::arg("bits").noconvert(),
             nb::arg("membranes").noconvert(), nb::arg("peak").noconvert());
}
