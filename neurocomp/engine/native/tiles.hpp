// The dense form by matrix instructions: spikes of up to 32 steps times the weights of 32 channels.
//
// Part of layer.cpp, which is compiled once for each level; empty where there are no such.
#pragma once

#include "vectors.hpp"

#if defined(__AMX_INT8__)

namespace neurocomp {
namespace {

// The processor's tiles: 0..3 sums, 4 and 5 spikes of one half of the steps each, 6 and 7 weights.
class Tiles {
   public:
    Tiles() = default;
    Tiles(const Tiles&) = delete;
    Tiles& operator=(const Tiles&) = delete;
    ~Tiles() {
        if (first_) _tile_release();
    }

    // Makes the tiles of the halves so many rows high.
    void shape(int first, int second) {
        if (first == first_ && second == second_) return;
        first_ = first;
        second_ = second;
        struct alignas(64) {
            uint8_t palette = 1, start_row = 0, reserved[14] = {};
            uint16_t bytes[16] = {};
            uint8_t rows[16] = {};
        } config;
        const int rows[] = {first, first, second, second, first, second, DENSE_TILE, DENSE_TILE};
        for (int i = 0; i < 8; ++i) {
            config.bytes[i] = 64;
            config.rows[i] = uint8_t(rows[i]);
        }
        _tile_loadconfig(&config);
    }

   private:
    int first_ = 0, second_ = 0;
};

// Sanitizers do not see what a matrix instruction reads or writes. Where one is built in, this does
// the same to single bytes before it.
inline void touch(const void* from, size_t pitch, int rows) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    for (int row = 0; row < rows; ++row)
        for (int i = 0; i < 64; i += 7) (void)static_cast<const volatile char*>(from)[row * pitch + i];
#else
    (void)from, (void)pitch, (void)rows;
#endif
}
inline void touch(int32_t* to, size_t pitch, int rows) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    for (int row = 0; row < rows; ++row)
        for (int i = 0; i < 16; ++i) *static_cast<volatile int32_t*>(to + row * pitch / 4 + i) = 0;
#else
    (void)to, (void)pitch, (void)rows;
#endif
}

// Multiplies all cells of the window with their weights, up to 32 steps at once.
template <int lanes>
void multiply(Tiles& tiles, const Gather& g, const Events& e, const int8_t* dense, int y, int x,
              int from, int to, int32_t* sums) {
    constexpr size_t each = DENSE_TILE * 4, row = lanes * 4;
    const int parts = (to - from + TOGETHER - 1) / TOGETHER;
    for (int part = 0; part < parts; ++part) {
        const int step = from + (to - from) * part / parts;
        const int count = from + (to - from) * (part + 1) / parts - step;
        const int first = (count + 1) / 2, second = count > 1 ? count - first : 1;
        tiles.shape(first, second);
        for (int lane = 0; lane < lanes; lane += 32) {
            _tile_zero(0);
            _tile_zero(1);
            _tile_zero(2);
            _tile_zero(3);
            for (int ky = 0; ky < g.kernel_rows; ++ky) {
                const int cy = y * g.stride_rows - g.top + ky * g.dilation_rows;
                if (cy < 0 || cy >= e.cell_rows) continue;
                const uint8_t* spikes = e.map + size_t(cy) * e.map_row + size_t(step) * e.map_step +
                                        size_t(x) * g.stride_cols * g.groups * 4;
                const uint8_t* later = spikes + size_t(count - second) * e.map_step;
                const int8_t* weight = dense + size_t(ky) * g.dense_row() * row + lane * 4;
                for (int k = 0; k < g.dense_row(); k += DENSE_TILE) {
                    touch(spikes + k * 4, e.map_step, count);
                    touch(weight, row, DENSE_TILE);
                    touch(weight + each, row, DENSE_TILE);
                    _tile_loadd(4, spikes + k * 4, e.map_step);
                    _tile_loadd(6, weight, row);
                    _tile_loadd(7, weight + each, row);
                    _tile_dpbusd(0, 4, 6);
                    _tile_dpbusd(1, 4, 7);
                    _tile_loadd(5, later + k * 4, e.map_step);
                    _tile_dpbusd(2, 5, 6);
                    _tile_dpbusd(3, 5, 7);
                    weight += DENSE_TILE * row;
                }
            }
            int32_t* to_first = sums + size_t(step - from) * lanes + lane;
            int32_t* to_second = to_first + size_t(count - second) * lanes;
            touch(to_first, row, count);
            touch(to_first + 16, row, count);
            _tile_stored(0, to_first, row);
            _tile_stored(1, to_first + 16, row);
            _tile_stored(2, to_second, row);
            _tile_stored(3, to_second + 16, row);
        }
    }
}

}  // namespace
}  // namespace neurocomp

#endif
