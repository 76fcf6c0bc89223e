// Samples in parallel where there are enough of them, else the rows of each layer.

#include "run.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>
#include <mutex>
#include <new>
#include <system_error>
#include <thread>

#ifdef NEUROCOMP_AMX
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace neurocomp {
namespace {

constexpr size_t EXTRA_BYTES = size_t(8) << 20;  // of the drive of single synapses, at once
constexpr size_t CACHE_BYTES = size_t(1) << 20;  // of weights that stay in the second cache
constexpr size_t SLACK = MOST_USUAL * 16 + 16;   // entries that the kernel may write past a list
constexpr size_t LISTED_NEURONS = size_t(1) << 20;  // times steps, whose events stay there, too
constexpr int SPAN = 16;                         // steps that are listed at once
constexpr int LONG_SPAN = 64;                    // where one block's weights fill the cache

// Memory aligned for vectors, grown without keeping what was in it.
class Buffer {
   public:
    Buffer() = default;
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;
    ~Buffer() { std::free(memory_); }

    template <class T>
    T* take(size_t count) {
        const size_t bytes = (count * sizeof(T) + 63) / 64 * 64 + 64;
        if (bytes > size_) {
            std::free(memory_);
            size_ = 0;
            memory_ = std::aligned_alloc(64, bytes);
            if (!memory_) throw std::bad_alloc();
            size_ = bytes;
        }
        return static_cast<T*>(memory_);
    }

   private:
    void* memory_ = nullptr;
    size_t size_ = 0;
};

// Calls work(index, thread) for each index below `count`, on up to `threads` threads.
template <class F>
void parallel(int count, int threads, F work) {
    threads = std::min(threads, count);
    if (threads <= 1) {
        for (int i = 0; i < count; ++i) work(i, 0);
        return;
    }
    std::atomic<int> next{0};
    std::exception_ptr failure;
    std::mutex guard;
    auto loop = [&](int thread) {
        try {
            for (int i; (i = next.fetch_add(1)) < count;) work(i, thread);
        } catch (...) {
            std::lock_guard<std::mutex> lock(guard);
            failure = std::current_exception();
            next = count;
        }
    };
    std::vector<std::thread> others;
    for (int thread = 1; thread < threads; ++thread) {
        try {
            others.emplace_back(loop, thread);
        } catch (const std::system_error&) {
            break;  // the system gives no more threads: fewer do the work
        }
    }
    loop(0);
    for (auto& other : others) other.join();
    if (failure) std::rethrow_exception(failure);
}

// Cuts `count` into as few equal parts of at most `most` as do; gives the largest.
int even_part(int count, int most) {
    const int parts = (count + most - 1) / most;
    return (count + parts - 1) / parts;
}

// Brings (channels, positions * taps) into the order of lanes.
template <class T>
void copy_in(const int64_t* from, int channels, size_t rows, size_t padded, T* to) {
    std::fill(to, to + rows * padded, T(0));
    for (int c = 0; c < channels; ++c)
        for (size_t p = 0; p < rows; ++p) to[p * padded + c] = T(from[c * rows + p]);
}

struct Buffers {
    Buffer v, counts, drive, bits;
    uint64_t key = 0;  // of random spikes
};

struct Lists {
    Buffer events, start, offsets, map;
};

// Runs one sample after the other, with `team` threads on each.
class Worker {
   public:
    Worker(const Job& job, int team) : job_(job), team_(team), buffers_(job.parts.size()) {
        size_t lists = 0;
        for (const Part& p : job.parts) lists = std::max(lists, size_t(p.layer.gather_count));
        lists_ = std::vector<Lists>(lists);
        views_ = std::vector<Events>(lists);
        scratch_ = std::vector<Buffer>(size_t(team));
        sums_ = std::vector<Buffer>(size_t(team));
        slots_ = job.history + std::min(job.tile, job.steps);
    }

    void run(int sample) {
        sample_ = sample;
        for (size_t p = 0; p < job_.parts.size(); ++p) rest(int(p));
        for (int first = 1; first <= job_.steps; first += job_.tile) {
            const int last = std::min(first + job_.tile, job_.steps + 1) - 1;
            base_ = first - job_.history;
            for (const Group& group : job_.groups) run_group(group, first, last);
            for (size_t p = 0; p < job_.parts.size(); ++p) keep_bits(int(p), first, last);
            if (last < job_.steps) carry(last - first + 1);
        }
        for (size_t p = 0; p < job_.parts.size(); ++p) keep_counts(int(p));
    }

   private:
    const Job& job_;
    const int team_;
    std::vector<Buffers> buffers_;
    std::vector<Lists> lists_;
    std::vector<Events> views_;
    std::vector<Buffer> scratch_, sums_;
    std::vector<const uint64_t*> sources_;
    std::vector<const Shape*> from_;
    Buffer extra_, drives_, zeros_;
    int sample_ = 0, base_ = 0, slots_ = 0;

    const Layer& layer(int p) const { return job_.parts[size_t(p)].layer; }

    size_t row_words(const Shape& s) const { return size_t(slots_) * s.cols * s.words; }

    uint64_t* bits(int p) {
        return buffers_[size_t(p)].bits.take<uint64_t>(layer(p).shape.rows *
                                                       row_words(layer(p).shape));
    }

    size_t state_count(const Layer& l) const {
        return l.shape.positions() * l.padded() * (l.window ? size_t(l.window->taps()) : 1);
    }

    void* state(int p) {
        const Layer& l = layer(p);
        Buffer& b = buffers_[size_t(p)].v;
        return l.wide ? static_cast<void*>(b.take<int64_t>(state_count(l)))
                      : static_cast<void*>(b.take<int32_t>(state_count(l)));
    }

    int32_t* counts(int p) {
        return buffers_[size_t(p)].counts.take<int32_t>(layer(p).shape.positions() *
                                                        layer(p).padded());
    }

    // Brings a population to its state before the first step.
    void rest(int p) {
        const Layer& l = layer(p);
        const Part& part = job_.parts[size_t(p)];
        const size_t size = l.wide ? 8 : 4;
        if (l.model == GATE)
            std::memset(state(p), 0, state_count(l) * size);
        else
            std::memcpy(state(p), part.v_init, state_count(l) * size);
        std::memset(counts(p), 0, l.shape.positions() * l.padded() * sizeof(int32_t));
        if (l.model != ACCUMULATE)
            std::memset(bits(p), 0, l.shape.rows * row_words(l.shape) * sizeof(uint64_t));
        if (part.currents) {
            const size_t rows = state_count(l) / l.padded();
            const int64_t* from = part.currents + size_t(sample_) * rows * l.shape.channels;
            Buffer& b = buffers_[size_t(p)].drive;
            if (l.wide)
                copy_in(from, l.shape.channels, rows, l.padded(), b.take<int64_t>(state_count(l)));
            else
                copy_in(from, l.shape.channels, rows, l.padded(), b.take<int32_t>(state_count(l)));
        }
        if (part.input_count) {
            if (l.wide)
                drive_from_inputs<int64_t>(p);
            else
                drive_from_inputs<int32_t>(p);
        }
        if (l.model == RANDOM) {
            const Constant c = constant(p);
            buffers_[size_t(p)].key = job_.kernels->sample_key(l, c.drive, c.pitch);
        }
        if (part.kept.peak) part.kept.peak[sample_] = 0;
    }

    // What drives a population, or its neurons after their drive was pooled, at every step.
    struct Constant {
        const void* drive;
        size_t pitch;
    };
    Constant constant(int p) {
        const Part& part = job_.parts[size_t(p)];
        const Layer& l = layer(p);
        if (part.currents || (part.input_count && l.model != POOL))
            return {buffers_[size_t(p)].drive.take<char>(0),
                    l.padded() * (l.window ? size_t(l.window->taps()) : 1)};
        return {part.steady, part.steady_pitch};
    }

    // Adds up what inputs drive; what is pooled gets its bias after that.
    template <class State>
    void drive_from_inputs(int p) {
        const Layer& l = layer(p);
        const Part& part = job_.parts[size_t(p)];
        const size_t padded = l.padded();
        State* drive =
            buffers_[size_t(p)].drive.take<State>(l.inner.positions() * padded);
        const State* steady = l.model == POOL ? nullptr : static_cast<const State*>(part.steady);
        parallel(l.inner.rows, team_, [&](int y, int) {
            std::vector<int64_t> sum(padded);
            for (int x = 0; x < l.inner.cols; ++x) {
                const size_t at = size_t(y) * l.inner.cols + x;
                for (size_t i = 0; i < padded; ++i)
                    sum[i] = steady ? int64_t(steady[at * part.steady_pitch + i]) : 0;
                for (int i = 0; i < part.input_count; ++i) {
                    const Current& c = part.inputs[i];
                    const size_t size = c.from.positions() * c.from.channels;
                    job_.kernels->add_current(c, part.samples[i] + size_t(sample_) * size, padded,
                                              y, x, c.factor + at * c.factor_pitch, sum.data());
                }
                for (size_t i = 0; i < padded; ++i) drive[at * padded + i] = State(sum[i]);
            }
        });
    }

    void run_group(const Group& group, int first, int last) {
        const int step = group.size() == 1 && !reads_itself(group[0]) ? last - first + 1 : 1;
        for (int t = first; t <= last; t += step)
            for (int p : group) run_layer(p, t, t + step - 1);
    }

    bool reads_itself(int p) const {
        const Layer& l = layer(p);
        for (int i = 0; i < l.gather_count; ++i)
            if (l.gathers[i].source == p) return true;
        for (int i = 0; i < l.scatter_count; ++i)
            if (l.scatters[i].source == p) return true;
        for (int i = 0; i < l.channels_count; ++i)
            if (l.channels[i].source == p) return true;
        return l.model == GATE && l.window->source == p;
    }

    void run_layer(int p, int first, int last) {
        const Layer& l = layer(p);
        size_t step = size_t(last - first + 1);
        if (l.scatter_count || l.model == POOL) {
            const size_t each = l.inner.positions() * l.padded() * (l.wide ? 8 : 4);
            step = std::min(step, std::max(size_t(1), EXTRA_BYTES / each));
        }
        if (l.gather_count && weight_bytes(l) <= CACHE_BYTES) {
            size_t neurons = 1;
            for (int i = 0; i < l.gather_count; ++i) {
                const Shape& s = layer(l.gathers[i].source).shape;
                neurons += s.positions() * s.channels;
            }
            step = std::min(step, std::max(size_t(SPAN), LISTED_NEURONS / neurons));
        }
        for (int t = first; t <= last; t += int(step))
            run_steps(p, t, std::min(t + int(step) - 1, last));
    }

    static size_t weight_bytes(const Layer& l) {
        const size_t sizes[] = {1, 2, 2, 4};
        size_t bytes = 0;
        for (int i = 0; i < l.gather_count; ++i)
            bytes += (size_t(l.gathers[i].rows) + 1) * l.padded() * sizes[l.kind];
        return bytes;
    }

    void run_steps(int p, int first, int last) {
        const Layer& l = layer(p);
        const Part& part = job_.parts[size_t(p)];
        const Constant always = constant(p);
        Work work{};
        work.first = first;
        work.last = last;
        work.slot = first - base_;
        work.slots = slots_;
        work.v = state(p);
        work.counts = counts(p);
        work.bits = l.model == ACCUMULATE ? nullptr : bits(p);
        work.drive = always.drive;
        work.drive_pitch = always.pitch;
        work.key = buffers_[size_t(p)].key;
        arrive(p, work);
        if (part.kept.membranes)
            work.membranes = part.kept.membranes +
                             (size_t(sample_) * job_.steps + first - 1) * l.shape.positions() *
                                 l.shape.channels;
        if (l.model == POOL) run_drives(p, work);
        run_rows(p, work, l.shape.rows);
    }

    // Lists, and counts, the spikes that arrive.
    void arrive(int p, Work& work) {
        const Layer& l = layer(p);
        sources_.clear();
        from_.clear();
        auto reads = [&](int source, int delay, const int32_t* fan_out, bool bits_too) {
            count_operations(p, source, delay, fan_out, work.first, work.last);
            if (!bits_too) return;
            sources_.push_back(bits(source));
            from_.push_back(&layer(source).shape);
        };
        for (int i = 0; i < l.gather_count; ++i) {
            const Gather& g = l.gathers[i];
            views_[size_t(i)] = list(size_t(i), l, g, work.first, work.last);
            reads(g.source, g.delay, g.fan_out, false);
        }
        for (int i = 0; i < l.channels_count; ++i)
            reads(l.channels[i].source, l.channels[i].delay, l.channels[i].fan_out, true);
        if (l.model == GATE) reads(l.window->source, l.window->delay, l.window->fan_out, true);
        work.events = views_.data();
        work.sources = sources_.data();
        work.from = from_.data();
        if (l.scatter_count) work.extra = scatter(p, work.first, work.last);
    }

    // Adds up the drive that a population then pools.
    void run_drives(int p, Work& work) {
        const Layer& l = layer(p);
        const size_t size = l.wide ? 8 : 4;
        const size_t count = l.inner.positions() * size_t(work.last - work.first + 1) * l.padded();
        const bool own = job_.parts[size_t(p)].input_count;
        Work inner = work;
        inner.v = inner.counts = nullptr;
        inner.bits = nullptr;
        inner.membranes = nullptr;
        inner.drives = work.drives = drives_.take<char>(count * size);
        inner.drive = own ? buffers_[size_t(p)].drive.take<char>(0) : zeros(l.padded() * size);
        inner.drive_pitch = own ? l.padded() : 0;
        run_rows(p, inner, l.inner.rows);
    }

    const void* zeros(size_t bytes) {
        void* memory = zeros_.take<char>(bytes);
        std::memset(memory, 0, bytes);
        return memory;
    }

    // Chooses the steps of a span and the blocks that run together, whose weights fit the cache.
    int plan_rows(const Layer& l, Work& work) {
        const size_t bytes = weight_bytes(l) / size_t(l.blocks) + 1;
        size_t list = 0;
        for (int i = 0; i < l.gather_count; ++i) {
            const Gather& g = l.gathers[i];
            list = std::max(list, size_t(g.rows) * g.pool_rows * g.pool_cols);
        }
        const int steps = work.last - work.first + 1, all = MOST_LISTS / std::max(1, l.gather_count);
        const bool mapped = std::any_of(work.events, work.events + l.gather_count,
                                        [](const Events& e) { return e.map != nullptr; });
        work.span = std::min({steps, all, bytes > CACHE_BYTES / 2 ? LONG_SPAN : SPAN});
        if (const int most = job_.kernels->together; mapped && most)
            work.span = std::min(all, even_part(steps, most));
        if (!l.gather_count) work.span = steps;
        work.list_size = list + SLACK;
        const size_t lists = size_t(work.span) * std::max(1, l.gather_count);
        for (Buffer& b : scratch_) b.take<uint32_t>(work.list_size * lists);
        for (Buffer& b : sums_) b.take<int32_t>(l.lanes * lists * MOST_DIGITS);
        return int(std::max(size_t(1), std::min(size_t(l.blocks), CACHE_BYTES / bytes)));
    }

    // Runs the rows of a population, or of the drive that it pools.
    void run_rows(int p, Work& work, int rows) {
        const Layer& l = layer(p);
        int64_t* peak = job_.parts[size_t(p)].kept.peak;
        std::vector<int64_t> peaks(size_t(team_), 0);
        const int together = plan_rows(l, work);
        const int groups = (l.blocks + together - 1) / together;
        parallel(groups * rows, team_, [&](int i, int thread) {
            Work mine = work;
            mine.list = scratch_[size_t(thread)].take<uint32_t>(0);
            mine.sums = sums_[size_t(thread)].take<int32_t>(0);
            mine.peak = peak ? &peaks[size_t(thread)] : nullptr;
            const int block = i / rows * together;
            job_.kernels->run_row(l, mine, block, std::min(block + together, l.blocks), i % rows);
        });
        if (peak)
            peak[sample_] = std::max(peak[sample_], *std::max_element(peaks.begin(), peaks.end()));
    }

    // Each digit is multiplied for itself, while adding up wide weights takes not much longer.
    double dense_from(const Gather& g) const {
        return job_.kernels->dense_from * g.digits - job_.kernels->dense_rows / g.rows;
    }

    // Lists what arrives in first..last over one projection.
    Events list(size_t index, const Layer& l, const Gather& g, int first, int last) {
        Lists& lists = lists_[index];
        const Shape& s = layer(g.source).shape;
        Events e{};
        e.steps = last - first + 1;
        e.cell_rows = (s.rows + g.pool_rows - 1) / g.pool_rows;
        e.cell_cols = (s.cols + g.pool_cols - 1) / g.pool_cols;
        e.start = lists.start.take<size_t>(size_t(e.cell_rows));
        e.offsets =
            lists.offsets.take<uint32_t>(size_t(e.cell_rows) * e.steps * (size_t(e.cell_cols) + 1));
        const uint64_t* source = bits(g.source);
        const int slot = first - g.delay - base_;
        size_t total = 0, spikes = 0;
        for (int cy = 0; cy < e.cell_rows; ++cy) {
            e.start[cy] = total;
            const int y1 = std::min((cy + 1) * g.pool_rows, s.rows);
            for (int y = cy * g.pool_rows; y < y1; ++y) {
                const uint64_t* from = source + y * row_words(s) + size_t(slot) * s.cols * s.words;
                spikes += job_.kernels->count_bits(from, size_t(e.steps) * s.cols, s.words, g.word,
                                                   (g.channels + 63) / 64);
            }
            total = spikes + (size_t(cy) + 1) * SLACK;
        }
        const double cells_all = double(e.cell_rows) * e.cell_cols * g.channels * e.steps;
        if (g.dense && double(spikes) / cells_all > dense_from(g)) {
            map(lists.map, l, g, source, slot, e);
            return e;
        }
        const double slices = double(e.cell_rows) * e.steps * e.cell_cols;
        const int cells = g.dilation_cols == 1 ? std::min(g.kernel_cols, e.cell_cols) : 1;
        const double each = double(spikes) / slices * cells, most = each + 2 * std::sqrt(each);
        e.usual = std::min(MOST_USUAL, 1 + int(most / job_.kernels->lanes));
        e.events = lists.events.take<uint32_t>(total);
        parallel(e.cell_rows, team_, [&](int cy, int) {
            job_.kernels->list_row(s, source, slots_, slot, g, cy, e);
        });
        return e;
    }

    // Counts the spikes of each cell, for the dense form.
    void map(Buffer& memory, const Layer& l, const Gather& g, const uint64_t* source, int slot,
             Events& e) {
        const Shape& s = layer(g.source).shape;
        const int reach = (l.inner.cols - 1) * g.stride_cols + g.kernel_cols;
        const size_t columns = size_t(std::max(reach, g.left + e.cell_cols));
        e.map_step = columns * g.groups * 4;
        e.map_row = e.map_step * e.steps + 64;  // a word's bytes reach past the last channel
        e.map = memory.take<uint8_t>(e.map_row * e.cell_rows);
        parallel(e.cell_rows, team_, [&](int cy, int) {
            job_.kernels->map_row(s, source, slots_, slot, g, cy, e);
        });
    }

    void count_operations(int p, int source, int delay, const int32_t* fan_out, int first,
                          int last) {
        int64_t* kept = job_.parts[size_t(p)].kept.operations;
        if (!kept || !fan_out) return;
        const Shape& s = layer(source).shape;
        int64_t* out = kept + size_t(sample_) * job_.steps - 1;
        for (int y = 0; y < s.rows; ++y)
            for (int t = std::max(first, layer(p).start); t <= last; ++t) {
                const uint64_t* from =
                    bits(source) + y * row_words(s) + size_t(t - delay - base_) * s.cols * s.words;
                out[t] += job_.kernels->count_reached(s, from, fan_out + size_t(y) * s.cols);
            }
    }

    const void* scatter(int p, int first, int last) {
        if (layer(p).wide) return scatter_as<int64_t>(p, first, last);
        return scatter_as<int32_t>(p, first, last);
    }

    // Gives the drive of single synapses, [position][step][lane].
    template <class State>
    const State* scatter_as(int p, int first, int last) {
        const Layer& l = layer(p);
        const size_t steps = size_t(last - first + 1), padded = l.padded();
        State* extra = extra_.take<State>(l.inner.positions() * steps * padded);
        std::fill(extra, extra + l.inner.positions() * steps * padded, State(0));
        int64_t* kept = job_.parts[size_t(p)].kept.operations;
        parallel(int(steps), team_, [&](int step, int) {
            const int t = first + step;
            if (t < l.start) return;
            int64_t done = 0;
            for (int i = 0; i < l.scatter_count; ++i)
                done += scatter_step(l.scatters[i], t, extra + size_t(step) * padded, steps,
                                     padded);
            if (kept) kept[size_t(sample_) * job_.steps + size_t(t) - 1] += done;
        });
        return extra;
    }

    template <class State>
    int64_t scatter_step(const Scatter& sc, int t, State* extra, size_t steps, size_t padded) {
        const Shape& s = layer(sc.source).shape;
        int64_t done = 0;
        for (int y = 0; y < s.rows; ++y) {
            const uint64_t* from = bits(sc.source) + y * row_words(s) +
                                   size_t(t - sc.delay - base_) * s.cols * s.words;
            for (int x = 0; x < s.cols; ++x)
                for (int w = 0; w < s.words; ++w)
                    for (uint64_t left = from[x * s.words + w]; left; left &= left - 1) {
                        const size_t neuron = (size_t(y) * s.cols + x) * s.channels + w * 64 +
                                              size_t(__builtin_ctzll(left));
                        const int64_t begin = sc.start[neuron], end = sc.start[neuron + 1];
                        done += end - begin;
                        for (int64_t i = begin; i < end; ++i) {
                            const size_t at = size_t(sc.post[i]);
                            State& sum = extra[at / padded * steps * padded + at % padded];
                            sum = State(sum + State(sc.weight[i]) * (State(1) << sc.shift));
                        }
                    }
        }
        return done;
    }

    void keep_bits(int p, int first, int last) {
        uint64_t* kept = job_.parts[size_t(p)].kept.bits;
        const Layer& l = layer(p);
        if (!kept || l.model == ACCUMULATE) return;
        const Shape& s = l.shape;
        const size_t step = size_t(s.cols) * s.words;
        kept += size_t(sample_) * s.rows * job_.steps * step;
        for (int y = 0; y < s.rows; ++y)
            std::memcpy(kept + (size_t(y) * job_.steps + first - 1) * step,
                        bits(p) + y * row_words(s) + size_t(job_.history) * step,
                        size_t(last - first + 1) * step * sizeof(uint64_t));
    }

    // Keeps the last steps of a tile, which delays of the next reach back to.
    void carry(int steps) {
        for (size_t p = 0; p < job_.parts.size(); ++p) {
            const Layer& l = layer(int(p));
            if (l.model == ACCUMULATE) continue;
            const size_t step = size_t(l.shape.cols) * l.shape.words;
            for (int y = 0; y < l.shape.rows; ++y) {
                uint64_t* row = bits(int(p)) + y * row_words(l.shape);
                std::memmove(row, row + size_t(steps) * step,
                             size_t(job_.history) * step * sizeof(uint64_t));
            }
        }
    }

    void keep_counts(int p) {
        int32_t* kept = job_.parts[size_t(p)].kept.counts;
        const Layer& l = layer(p);
        if (!kept) return;
        const size_t positions = l.shape.positions();
        kept += size_t(sample_) * positions * l.shape.channels;
        const int32_t* from = counts(p);
        for (int c = 0; c < l.shape.channels; ++c)
            for (size_t i = 0; i < positions; ++i)
                kept[c * positions + i] = from[i * l.padded() + c];
    }
};

#ifdef NEUROCOMP_AMX
// Says whether the processor has matrix instructions and the system lets this process use them: it
// wants to be asked once, for their registers are large.
bool may_use_tiles() {
    unsigned a = 0, b = 0, c = 0, d = 0;
    constexpr unsigned tile = 1u << 24, int8 = 1u << 25;
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx512vnni") || !__builtin_cpu_supports("avx512bw") ||
        !__get_cpuid_count(7, 0, &a, &b, &c, &d) || (d & (tile | int8)) != (tile | int8))
        return false;
    constexpr int request = 0x1023, tile_data = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
    static const bool granted = syscall(SYS_arch_prctl, request, tile_data) == 0;
    return granted;
}
#endif

}  // namespace

void run(const Job& job) {
    if (job.samples >= job.threads) {
        std::vector<std::unique_ptr<Worker>> workers;
        for (int i = 0; i < std::max(1, job.threads); ++i)
            workers.push_back(std::make_unique<Worker>(job, 1));
        parallel(job.samples, job.threads,
                 [&](int sample, int thread) { workers[size_t(thread)]->run(sample); });
        return;
    }
    Worker worker(job, job.threads);
    for (int sample = 0; sample < job.samples; ++sample) worker.run(sample);
}

std::vector<const Kernels*> levels() {
    std::vector<const Kernels*> found;
#ifdef NEUROCOMP_AMX
    if (may_use_tiles()) found.push_back(&kernels_amx);
#endif
#ifdef NEUROCOMP_X86
    __builtin_cpu_init();
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
                      __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("popcnt") &&
                      __builtin_cpu_supports("fma");
    const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") &&
                        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
                        __builtin_cpu_supports("avx512dq");
    if (avx512 && __builtin_cpu_supports("avx512vnni")) found.push_back(&kernels_avx512vnni);
    if (avx512) found.push_back(&kernels_avx512);
    if (avx2) found.push_back(&kernels_avx2);
#endif
    found.push_back(&kernels_plain);
    return found;
}

}  // namespace neurocomp
