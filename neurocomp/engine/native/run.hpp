// Runs samples through the layers: schedule, threads and buffers around the inner loops.
#pragma once

#include <vector>

#include "plan.hpp"

namespace neurocomp {

// What a run writes of one population; null where it is not kept.
struct Kept {
    int32_t* counts = nullptr;      // [sample][channel][row][column]
    int64_t* operations = nullptr;  // [sample][step]
    uint64_t* bits = nullptr;       // [sample][row][step][column][word]
    int64_t* membranes = nullptr;   // [sample][step][channel][row][column], after the reset
    int64_t* peak = nullptr;        // [sample], greatest magnitude before the reset
};

struct Part {
    Layer layer;
    const void* v_init;        // state type, [position][lane]
    const void* steady;        // state type, [position or 1][lane], the bias
    size_t steady_pitch;       // 0 where all positions share it
    const int64_t* currents;   // null or [sample][channel][row][column], instead of `steady`
    const Current* inputs;     // added to `steady`
    const double* const* samples;  // of each, [sample][channel][row][column]
    int input_count;
    Kept kept;
};

// Populations that run together: one over all steps of a tile, or a cycle step by step.
using Group = std::vector<int>;

struct Job {
    std::vector<Part> parts;
    std::vector<Group> groups;  // in running order
    int samples, steps, tile, history, threads;
    const Kernels* kernels;
};

// Runs the job; throws std::bad_alloc where memory ends.
void run(const Job& job);

// The builds that this processor can run, the best one first.
std::vector<const Kernels*> levels();

}  // namespace neurocomp
