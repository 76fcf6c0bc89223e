// The inner loops, compiled once for each level of vector instructions (LEVEL names the build).
//
// Output-stationary and event-driven: the active inputs of one output position become a list of
// rows of weights, and the rows are added up in registers, channels of the output side by side.
// Only plain arrays here: no template of the standard library may be instantiated in this file.

#include "events.hpp"
#include "models.hpp"
#include "positions.hpp"

namespace neurocomp {
namespace {

template <class State>
void run_model(const Layer& layer, const Work& work, int block, int block_end, int row) {
    if (layer.model == RANDOM) return run_random<State>(layer, work, block, block_end, row);
    if (layer.model == POOL && work.v) return run_pool<State>(layer, work, block, block_end, row);
    run_kind<State>(layer, work, block, block_end, row);
}

void run_row(const Layer& layer, const Work& work, int block, int block_end, int row) {
    if (layer.model == GATE)
        for (int b = block; b < block_end; ++b) run_gate(layer, work, b, row);
    else if (layer.wide)
        run_model<int64_t>(layer, work, block, block_end, row);
    else
        run_model<int32_t>(layer, work, block, block_end, row);
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
extern const Kernels JOIN(kernels_, LEVEL) = {
    TEXT(LEVEL), WIDTH / 4,  TOGETHER,      list_row,    map_row,    DENSE_FROM,
    DENSE_ROWS,  count_bits, count_reached, add_current, sample_key, run_row};

}  // namespace neurocomp
