// The kernel's own test, for sanitizers: random chains against plain loops, on every level, with
// one and several threads. Exits with 1 at the first difference.

#include <algorithm>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <type_traits>

#include "run.hpp"

using namespace neurocomp;

namespace {

std::mt19937 random_(7);

// Gives the largest number that so many signed bytes hold, whatever its sign.
int64_t most_of(int digits) {
    return digits ? most_of(digits - 1) * 256 + INT8_MAX : 0;
}

int draw(int low, int high) { return std::uniform_int_distribution<int>(low, high)(random_); }

// Aligned as the module aligns what it owns.
template <class T>
struct Aligned {
    std::unique_ptr<void, decltype(&std::free)> memory{nullptr, &std::free};
    explicit Aligned(size_t count)
        : memory(std::aligned_alloc(64, (count * sizeof(T) + 63) / 64 * 64), &std::free) {
        std::memset(memory.get(), 0, (count * sizeof(T) + 63) / 64 * 64);
    }
    T* get() const { return static_cast<T*>(memory.get()); }
};

struct Case {
    int channels[2], rows, cols, pool, pad, steps, samples, delay;
    bool wide, recurrent;
    int most;  // of the weights' magnitude
};

// Two populations: a steady one, and one that it reaches through a convolution over pooled cells;
// perhaps single synapses from the second one to itself.
struct Chain {
    Case c;
    Shape shapes[2];
    int lanes[2];
    size_t padded[2];
    std::vector<int> kernel;  // [row][col][in][out], over cells
    std::vector<int64_t> bias, threshold[2];
    std::vector<int64_t> start;
    std::vector<int32_t> post, single;

    explicit Chain(const Case& c_) : c(c_) {
        const int rows = (c.rows + c.pool - 1) / c.pool + 2 * c.pad - 2;
        const int cols = (c.cols + c.pool - 1) / c.pool + 2 * c.pad - 2;
        shapes[0] = Shape{c.channels[0], c.rows, c.cols, (c.channels[0] + 63) / 64};
        shapes[1] = Shape{c.channels[1], rows, cols, (c.channels[1] + 63) / 64};
        for (int p = 0; p < 2; ++p) {
            lanes[p] = c.channels[p] > 32 ? 64 : 32;
            padded[p] = size_t((c.channels[p] + lanes[p] - 1) / lanes[p]) * lanes[p];
            for (size_t i = 0; i < neurons(p); ++i)
                threshold[p].push_back(draw(50, 200) * (p ? std::max(1, c.most / 100) : 1));
        }
        for (int i = 0; i < 9 * c.channels[0] * c.channels[1]; ++i)
            kernel.push_back(draw(-c.most, c.most));
        for (size_t i = 0; i < neurons(0); ++i) bias.push_back(draw(0, c.wide ? 150 : 40));
        start.push_back(0);
        for (size_t i = 0; i < neurons(1); ++i) {
            for (int k = 0; c.recurrent && k < 2; ++k) {
                const int target = draw(0, int(neurons(1)) - 1);
                post.push_back(target / c.channels[1] * int(padded[1]) + target % c.channels[1]);
                single.push_back(draw(-60, 60));
            }
            start.push_back(int64_t(post.size()));
        }
    }

    size_t neurons(int p) const { return shapes[p].positions() * shapes[p].channels; }

    // Counts every neuron's spikes with plain loops, in the order row, column, channel.
    std::vector<int> expected() const {
        std::vector<int64_t> v0(neurons(0)), v1(neurons(1));
        std::vector<int> counts(neurons(1));
        std::vector<std::vector<char>> first(size_t(c.steps) + 1), second(size_t(c.steps) + 1);
        for (int t = 1; t <= c.steps; ++t) {
            first[t].resize(neurons(0));
            for (size_t i = 0; i < neurons(0); ++i) {
                v0[i] += bias[i];
                if ((first[t][i] = v0[i] >= threshold[0][i])) v0[i] -= threshold[0][i];
            }
            std::vector<int64_t> drive(neurons(1));
            if (t > c.delay) {
                convolve(first[t - c.delay], drive);
                for (size_t i = 0; i < neurons(1); ++i)
                    for (int64_t k = start[i]; second[t - c.delay][i] && k < start[i + 1]; ++k)
                        drive[post[k] / padded[1] * c.channels[1] + post[k] % padded[1]] += single[k];
            }
            second[t].resize(neurons(1));
            for (size_t i = 0; i < neurons(1); ++i) {
                v1[i] += drive[i];
                if ((second[t][i] = v1[i] >= threshold[1][i])) v1[i] -= threshold[1][i];
                counts[i] += second[t][i];
            }
        }
        return counts;
    }

    void convolve(const std::vector<char>& spikes, std::vector<int64_t>& drive) const {
        const Shape &in = shapes[0], &out = shapes[1];
        for (int y = 0; y < out.rows; ++y)
            for (int x = 0; x < out.cols; ++x)
                for (int sy = 0; sy < in.rows; ++sy)
                    for (int sx = 0; sx < in.cols; ++sx) {
                        const int ky = sy / c.pool - y + c.pad, kx = sx / c.pool - x + c.pad;
                        if (ky < 0 || ky > 2 || kx < 0 || kx > 2) continue;
                        for (int i = 0; i < in.channels; ++i) {
                            if (!spikes[(size_t(sy) * in.cols + sx) * in.channels + i]) continue;
                            for (int o = 0; o < out.channels; ++o)
                                drive[(size_t(y) * out.cols + x) * out.channels + o] +=
                                    kernel[((size_t(ky) * 3 + kx) * in.channels + i) * out.channels +
                                           o];
                        }
                    }
    }

    template <class State>
    std::vector<int> found(const Kernels* kernels, int threads, int tile) const {
        Job job{};
        job.samples = c.samples;
        job.steps = c.steps;
        job.tile = tile;
        job.history = c.delay;
        job.threads = threads;
        job.kernels = kernels;
        job.groups = {{0}, {1}};
        if (sizeof(State) == 8 || c.most > INT16_MAX / 16) return with<State, int32_t>(job);
        return with<State, int16_t>(job);
    }

    template <class State, class Weight>
    std::vector<int> with(Job& job) const {
        const int rows = 9 * c.channels[0];
        const size_t blocks = padded[1] / lanes[1];
        Aligned<Weight> weight(blocks * (rows + 1) * lanes[1]);
        Gather gather{0, c.delay, 0, c.pool, c.pool, 3, 3, 1, 1, c.pad, c.pad, 1, 1, 0,
                      c.channels[0], 0, int(blocks), rows,
                      (sizeof(Weight) == 2 ? INT16_MAX : INT32_MAX) / c.most, weight.get(), nullptr,
                      nullptr, (c.channels[0] + 3) / 4, MOST_DIGITS};
        while (gather.digits > 1 && most_of(gather.digits - 1) >= c.most) --gather.digits;
        const size_t dense_row = size_t(gather.dense_row()), digit = gather.dense_digit(lanes[1]);
        Aligned<int8_t> dense(digit * gather.digits);
        for (int row = 0; row < rows; ++row)
            for (int o = 0; o < c.channels[1]; ++o) {
                const int w = kernel[size_t(row) * c.channels[1] + o], i = row % c.channels[0];
                const size_t block = o / lanes[1], lane = o % lanes[1], tap = row / c.channels[0];
                weight.get()[(block * (rows + 1) + row) * lanes[1] + lane] = Weight(w);
                const size_t group = tap % 3 * gather.groups + i / 4;
                const size_t at =
                    ((block * 3 + tap / 3) * dense_row + group) * lanes[1] * 4 + lane * 4 + i % 4;
                // The digits 0..255 of w + 128 * 1111 (in base 256) less 128 each are those of w.
                for (int d = 0; d < gather.digits; ++d)
                    dense.get()[d * digit + at] =
                        int8_t(((int64_t(w) + 0x80808080) >> (8 * d) & 255) - 128);
            }
        std::vector<int32_t> fan(shapes[0].positions(), 1);
        gather.fan_out = fan.data();
        gather.dense = dense.get();
        Scatter scatter{1, c.delay, 0, start.data(), post.data(), single.data()};
        std::vector<int32_t> counts(neurons(1) * c.samples);
        std::vector<std::unique_ptr<Aligned<State>>> memory;
        for (int p = 0; p < 2; ++p) {
            Part part{};
            Layer& l = part.layer;
            l.shape = l.inner = shapes[p];
            l.start = 1;
            l.lanes = lanes[p];
            l.blocks = int(padded[p] / lanes[p]);
            l.wide = sizeof(State) == 8;
            l.kind = sizeof(Weight) == 4 ? FULL : NARROW;
            l.threshold_pitch = part.steady_pitch = padded[p];
            memory.push_back(spread<State>(p, threshold[p], INT32_MAX));
            l.threshold = memory.back()->get();
            memory.push_back(spread<State>(p, {}, 0));
            part.v_init = memory.back()->get();
            memory.push_back(spread<State>(p, p ? std::vector<int64_t>{} : bias, 0));
            part.steady = memory.back()->get();
            if (p) {
                l.gathers = &gather;
                l.gather_count = 1;
                l.scatters = &scatter;
                l.scatter_count = c.recurrent;
                part.kept.counts = counts.data();
            }
            job.parts.push_back(part);
        }
        run(job);
        std::vector<int> ordered(neurons(1));
        for (size_t i = 0; i < neurons(1); ++i)
            ordered[i] = counts[neurons(1) * (c.samples - 1) +
                                i % c.channels[1] * shapes[1].positions() + i / c.channels[1]];
        return ordered;
    }

    template <class State>
    std::unique_ptr<Aligned<State>> spread(int p, const std::vector<int64_t>& values,
                                           State padding) const {
        auto memory = std::make_unique<Aligned<State>>(shapes[p].positions() * padded[p]);
        for (size_t i = 0; i < shapes[p].positions(); ++i)
            for (size_t o = 0; o < padded[p]; ++o)
                memory->get()[i * padded[p] + o] =
                    o >= size_t(c.channels[p]) ? padding
                    : values.empty()           ? 0
                                               : State(values[i * c.channels[p] + o]);
        return memory;
    }
};

}  // namespace

int main() {
    int compared = 0;
    const int digits[] = {100, 1 << 14, 1 << 18, 1 << 28};  // of one to four
    for (int i = 0; i < 16; ++i) {
        const int pool = draw(1, 3);
        const Chain chain(Case{{draw(1, 70), draw(1, 70)}, draw(3, 5) * pool - (pool > 1), 4 * pool,
                               pool, draw(0, 2), draw(1, 40), draw(1, 3), draw(1, 3), i % 2 == 1,
                               i % 3 == 1, digits[i % 4]});
        const std::vector<int> expected = chain.expected();
        for (const Kernels* kernels : levels())
            for (int threads : {1, 2, 4})
                for (int tile : {7, 64}) {
                    const bool same =
                        (i % 4 == 3 ||  // whose sums need 64 bits
                         expected == chain.found<int32_t>(kernels, threads, tile)) &&
                        expected == chain.found<int64_t>(kernels, threads, tile);
                    if (!same) {
                        std::printf("case %d differs: %s, %d threads, tile %d\n", i, kernels->name,
                                    threads, tile);
                        return 1;
                    }
                    ++compared;
                }
    }
    std::printf("%d runs equal\n", compared);
    return 0;
}
