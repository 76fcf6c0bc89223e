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

// Of what the module and this kernel say to each other; the Python side names the one it speaks.
constexpr int INTERFACE = 2;

constexpr int MOST_LISTS = 256;  // of one position: gathers times steps of a span
constexpr int DENSE_TILE = 16;   // groups of channels that a matrix instruction multiplies
constexpr int MOST_DIGITS = 4;   // signed bytes of a weight, for the dense form
constexpr int MOST_USUAL = 8;    // vectors, see Events; a list has room for as many more

struct Shape {
    int channels, rows, cols, words;
    size_t positions() const { return size_t(rows) * cols; }
};

// The first three differ in the reset; POOL pools its drive, RANDOM draws spikes.
enum Model { SUBTRACT, ZERO, ALWAYS, ACCUMULATE, GATE, RANDOM, POOL };

// How a row of weights is stored, and the lanes that it is added up in before the drive.
enum Kind { BYTE, NARROW, WORD, FULL };  // 8 in 16 bits, 16 in 16, 16 in 32, 32 in 32

// A convolution over cells: a cell is pool_rows x pool_cols source positions that share weights.
struct Gather {
    int source, delay, shift;  // drive = sum << shift
    int pool_rows, pool_cols;
    int kernel_rows, kernel_cols, stride_rows, stride_cols, top, left, dilation_rows, dilation_cols;
    int word, channels;      // the source's channels from 64 * word on, so many of them
    int block, block_end;    // the target's blocks that they drive
    int rows;                // kernel_rows * kernel_cols * channels; row `rows` is zero
    int flush;               // so many rows add up without overflow
    const void* weight;      // [block][rows + 1][lane], aligned
    const int32_t* fan_out;  // [source position], synapses of each spike; null where counted elsewhere
    // Null, or the weights by 4 channels: [digit][block][kernel row][kernel column][group][lane][4],
    // each kernel row padded with zeros to `dense_row` groups. A weight is the sum of its digits
    // times 256^digit, so wide weights are multiplied digit by digit, as exactly as narrow ones.
    const int8_t* dense;
    int groups;  // of 4 channels, the last one padded with zeros
    int digits;
    size_t dense_digit(int lanes) const {  // bytes of one digit
        return size_t(block_end - block) * kernel_rows * dense_row() * lanes * 4;
    }
    int dense_row() const { return (kernel_cols * groups + DENSE_TILE - 1) / DENSE_TILE * DENSE_TILE; }
};

// A convolution of each channel alone.
struct Channels {
    int source, delay;
    int kernel_rows, kernel_cols, stride_rows, stride_cols, top, left, dilation_rows, dilation_cols;
    const void* weight;      // state type, [tap][lane], shifted already
    const int32_t* fan_out;  // [source position]
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

enum Estimate { AVERAGE, EXPONENTIAL, FINITE };

// Of a gate over its source's spikes, with its estimate of their rates; or over drive that is pooled.
struct Window {
    int source, delay;
    int kernel_rows, kernel_cols, stride_rows, stride_cols, top, left, dilation_rows, dilation_cols;
    const int32_t* fan_out;  // [source position]
    Estimate estimate;
    int shift;               // of EXPONENTIAL
    const int32_t* weights;  // of FINITE, the newest step's first
    int history;             // how many
    int taps() const { return kernel_rows * kernel_cols; }
};

struct Layer {
    Shape shape;
    Shape inner;  // of the drive: another one where it is pooled
    Model model;
    int start;          // first step
    int lanes, blocks;  // lanes of a block; blocks * lanes >= channels
    bool wide;          // state and drive in 64 bits, else 32
    Kind kind;
    const Gather* gathers;
    int gather_count;
    const Channels* channels;
    int channels_count;
    const Scatter* scatters;
    int scatter_count;
    const Window* window;    // of a gate, or where the drive is pooled
    uint64_t seed;           // of random spikes
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
    void* v;                // state type, [position][tap][lane]; a gate's are 32 bits
    void* counts;           // int32, [position][lane], spikes so far
    const void* drive;      // state type, [position or 1][tap][lane], every step's constant part
    size_t drive_pitch;
    const void* extra;      // state type or null, [position][step][lane], from single synapses
    void* drives;           // state type or null: the drive goes here, laid out as `extra`
    const Events* events;   // [gather]
    const uint64_t* const* sources;  // [channels], bits; of a gate, one
    const Shape* const* from;        // their shapes
    uint64_t* bits;         // null for an accumulator
    int64_t* membranes;     // null or [step][channel][row][column], from `first`
    int64_t* peak;          // null or the greatest magnitude before a reset
    uint64_t key;           // of the sample's random spikes
    uint32_t* list;         // scratch: rows of weights of one position, [gather][step of a span]
    int32_t* sums;          // scratch: [gather][digit][step of a span][lane], of dense ones
    size_t list_size;       // entries of one of them, with room to write past its end
    int span;               // steps that are listed at once
};

// One build of the inner loops.
struct Kernels {
    const char* name;
    int lanes;  // 32-bit numbers in a vector
    int together;  // steps that the dense form multiplies at once, 0 where any number does as well
    void (*list_row)(const Shape&, const uint64_t* bits, int slots, int slot, const Gather&,
                     int cell_row, const Events&);
    void (*map_row)(const Shape&, const uint64_t* bits, int slots, int slot, const Gather&,
                    int cell_row, const Events&);
    // Share of active inputs from which multiplying all is faster: `dense_from` for very many rows
    // of weights, less by `dense_rows` / rows.
    double dense_from, dense_rows;
    // Counts the set bits in `used` words from `first` on of each position's `words`.
    size_t (*count_bits)(const uint64_t* from, size_t positions, int words, int first, int used);
    int64_t (*count_reached)(const Shape&, const uint64_t* row, const int32_t* fan_out);
    // Adds one position's drive, (lanes), to `out`.
    void (*add_current)(const Current&, const double* sample, size_t padded, int y, int x,
                        const double* factor, int64_t* out);
    uint64_t (*sample_key)(const Layer&, const void* drive, size_t pitch);
    // Of a population that pools its drive: the drive first, without work.v, then the neurons.
    void (*run_row)(const Layer&, const Work&, int block, int block_end, int row);
};

extern const Kernels kernels_plain;
#ifdef NEUROCOMP_X86
extern const Kernels kernels_avx2;
extern const Kernels kernels_avx512;
extern const Kernels kernels_avx512vnni;
#endif
#ifdef NEUROCOMP_AMX
extern const Kernels kernels_amx;
#endif

}  // namespace neurocomp
