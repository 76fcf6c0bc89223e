// What the kernel is given: plain structs over memory that others own and have checked.
//
// Order of a population's neurons inside the kernel: row, column, channel. Spikes are bits,
// [row][slot][column][word of 64 channels]; slot = step - base, so that a tile of steps is one
// contiguous run. Lanes are channels, padded to blocks of 16, 32 or 64; a padded lane has weight 0
// and a threshold that nothing reaches.
#pragma once

#include <cstddef>
#include <cstdint>

namespace neurocomp {

constexpr int MOST_LISTS = 256;  // of one position: gathers times steps of a span
constexpr int MOST_USUAL = 8;    // vectors, see Events; a list has room for as many more

struct Shape {
    int channels, rows, cols, words;
    size_t positions() const { return size_t(rows) * cols; }
};

enum Model { SUBTRACT, ZERO, ACCUMULATE, GATE };

// How a row of weights is stored, and the lanes that it is added up in before the drive.
enum Kind { BYTE, NARROW, WORD, FULL };  // 8 in 16 bits, 16 in 16, 16 in 32, 32 in 32

// A convolution over cells: a cell is pool_rows x pool_cols source positions that share weights.
struct Gather {
    int source, delay, shift;  // drive = sum << shift
    int pool_rows, pool_cols;
    int kernel_rows, kernel_cols, stride_rows, stride_cols, top, left, dilation_rows, dilation_cols;
    int rows;                // kernel_rows * kernel_cols * source channels; row `rows` is zero
    int flush;               // so many rows add up without overflow
    const void* weight;      // [block][rows + 1][lane], aligned
    const int32_t* fan_out;  // [source position], synapses of each spike
    // Null, or the weights by 4 channels: [block][kernel row][kernel column][group][lane][4].
    const int8_t* dense;
    int groups;  // of 4 channels, the last one padded with zeros
};

// Single synapses, by source neuron.
struct Scatter {
    int source, delay, shift;
    const int64_t* start;   // [source neuron + 1]
    const int32_t* post;    // [synapse], row-major position * padded lanes + channel
    const int32_t* weight;  // [synapse]
};

// Analog input through a convolution: drive = rint(sum * factor) * multiple, once a sample. Sums are
// exact in double, which the caller has proven, so their order does not matter.
struct Current {
    Shape from;
    int kernel_rows, kernel_cols, stride_rows, stride_cols, top, left, dilation_rows, dilation_cols;
    const double* weight;  // [source channel][kernel row][kernel column][lane]
    const double* factor;  // [position or 1][lane]
    size_t factor_pitch;
    int64_t multiple;
};

struct Window {
    int source, delay;
    int kernel_rows, kernel_cols, stride_rows, stride_cols, top, left, dilation_rows, dilation_cols;
    const int32_t* fan_out;  // [source position]
};

struct Layer {
    Shape shape;
    Model model;
    int start;          // first step
    int lanes, blocks;  // lanes of a block; blocks * lanes >= channels
    bool wide;          // state and drive in 64 bits, else 32
    Kind kind;
    const Gather* gathers;
    int gather_count;
    const Scatter* scatters;
    int scatter_count;
    const Window* window;    // of a gate
    const void* threshold;   // state type, [position or 1][lane]
    size_t threshold_pitch;  // lanes from one position to the next, 0 where all share
    size_t padded() const { return size_t(lanes) * blocks; }
};

// The spikes of one source as lists: of each cell row and step the cells in order, of each cell the
// channels; an event is cell column * channels + channel.
struct Events {
    uint32_t* events;
    size_t* start;      // [cell row], index of its first event
    uint32_t* offsets;  // [cell row][step][cell column + 1], counted from `start`
    int cell_rows, cell_cols, steps;
    int usual;  // vectors that most slices of a list fit in
    // Not null where the source fires so much that all its cells are multiplied: spikes of each,
    // [cell row][step][column][channel], padded with columns of zeros and to groups of channels.
    uint8_t* map;
    size_t map_step, map_row;  // bytes from one step, or cell row, to the next
};

// One sample's buffers of one layer, for steps first..last.
struct Work {
    int first, last, slot;  // slot of `first`
    int slots;              // of the bits
    void* v;                // state type, [position][lane]
    void* counts;           // int32, [position][lane], spikes so far
    const void* drive;      // state type, [position or 1][lane], every step's constant part
    size_t drive_pitch;
    const void* extra;      // state type or null, [position][step][lane], from single synapses
    const Events* events;   // [gather]
    uint64_t* bits;         // null for an accumulator
    int64_t* membranes;     // null or [step][channel][row][column], from `first`
    int64_t* peak;          // null or the greatest magnitude before a reset
    uint32_t* list;         // scratch: rows of weights of one position, [gather][step of a span]
    int32_t* sums;          // scratch: [gather][step of a span][lane], of dense ones
    size_t list_size;       // entries of one of them, with room to write past its end
    int span;               // steps that are listed at once
};

// One build of the inner loops.
struct Kernels {
    const char* name;
    int lanes;  // 32-bit numbers in a vector
    void (*list_row)(const Shape&, const uint64_t* bits, int slots, int slot, int pool_rows,
                     int pool_cols, int cell_row, const Events&);
    void (*map_row)(const Shape&, const uint64_t* bits, int slots, int slot, const Gather&,
                    int cell_row, const Events&);
    // Share of active inputs from which multiplying all is faster, for very many rows of weights.
    double dense_from;
    size_t (*count_bits)(const uint64_t* from, size_t words);
    int64_t (*count_reached)(const Shape&, const uint64_t* row, const int32_t* fan_out);
    // Adds one position's drive, (lanes), to `out`.
    void (*add_current)(const Current&, const double* sample, size_t padded, int y, int x,
                        const double* factor, int64_t* out);
    void (*run_row)(const Layer&, const Work&, int block, int block_end, int row);
};

extern const Kernels kernels_plain;
#ifdef NEUROCOMP_X86
extern const Kernels kernels_avx2;
extern const Kernels kernels_avx512;
extern const Kernels kernels_avx512vnni;
#endif

}  // namespace neurocomp
