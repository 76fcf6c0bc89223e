// Vectors of the width that this build of the kernel has, and the three things that the compiler's
// vector types do not express: bits of a comparison, conditional reset, list of set bits.
//
// This file is compiled once for each level, so all of it is in an unnamed namespace: nothing that
// was compiled for a better processor may be linked into the plain build.
#pragma once

#include <cstdint>
#include <cstring>
#include <limits>

#if defined(__AVX512BW__) || defined(__AVX2__)
#include <immintrin.h>
#endif

#include "plan.hpp"

namespace neurocomp {
namespace {

#if defined(__AVX512BW__)
constexpr int WIDTH = 64;
#elif defined(__AVX2__)
constexpr int WIDTH = 32;
#else
constexpr int WIDTH = 16;
#endif

template <class T, int bytes>
struct Vector {
    typedef T type __attribute__((vector_size(bytes)));
};
template <class T>
using Full = typename Vector<T, WIDTH>::type;
template <class T, int lanes>
using Lanes = typename Vector<T, lanes * int(sizeof(T))>::type;

template <class V>
inline V load(const void* from) {
    V v;
    std::memcpy(&v, from, sizeof v);
    return v;
}
template <class V>
inline void store(void* to, V v) {
    std::memcpy(to, &v, sizeof v);
}

// Loads as many W as a full vector has of T, sign-extended. The compiler's own conversion splits
// vectors in halves, where one instruction does it.
template <class T, class W>
inline Full<T> widened(const W* from) {
    if constexpr (sizeof(T) == sizeof(W)) return load<Full<T>>(from);
#if defined(__AVX512BW__)
    if constexpr (sizeof(T) == 2)
        return (Full<T>)_mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i*)from));
    if constexpr (sizeof(T) == 4 && sizeof(W) == 2)
        return (Full<T>)_mm512_cvtepi16_epi32(_mm256_loadu_si256((const __m256i*)from));
    if constexpr (sizeof(T) == 8 && sizeof(W) == 2)
        return (Full<T>)_mm512_cvtepi16_epi64(_mm_loadu_si128((const __m128i*)from));
    if constexpr (sizeof(T) == 8 && sizeof(W) == 4)
        return (Full<T>)_mm512_cvtepi32_epi64(_mm256_loadu_si256((const __m256i*)from));
#elif defined(__AVX2__)
    if constexpr (sizeof(T) == 2)
        return (Full<T>)_mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i*)from));
    if constexpr (sizeof(T) == 4 && sizeof(W) == 2)
        return (Full<T>)_mm256_cvtepi16_epi32(_mm_loadu_si128((const __m128i*)from));
    if constexpr (sizeof(T) == 8 && sizeof(W) == 2)
        return (Full<T>)_mm256_cvtepi16_epi64(_mm_loadl_epi64((const __m128i*)from));
    if constexpr (sizeof(T) == 8 && sizeof(W) == 4)
        return (Full<T>)_mm256_cvtepi32_epi64(_mm_loadu_si128((const __m128i*)from));
#endif
    constexpr int lanes = WIDTH / int(sizeof(T));
    return __builtin_convertvector(load<Lanes<W, lanes>>(from), Full<T>);
}

// Adds to `count` where v >= threshold, resets v there, and gives the bits of the comparison.
template <class T>
inline uint64_t fire(Full<T>& v, const Full<T>& threshold, Full<T>& count, bool zero) {
#if defined(__AVX512BW__)
    if constexpr (sizeof(T) == 4) {
        __mmask16 m = _mm512_cmpge_epi32_mask((__m512i)v, (__m512i)threshold);
        count = (Full<T>)_mm512_mask_sub_epi32((__m512i)count, m, (__m512i)count,
                                               _mm512_set1_epi32(-1));
        v = zero ? (Full<T>)_mm512_maskz_mov_epi32(~m, (__m512i)v)
                 : (Full<T>)_mm512_mask_sub_epi32((__m512i)v, m, (__m512i)v, (__m512i)threshold);
        return uint64_t(m);
    } else {
        __mmask8 m = _mm512_cmpge_epi64_mask((__m512i)v, (__m512i)threshold);
        count = (Full<T>)_mm512_mask_sub_epi64((__m512i)count, m, (__m512i)count,
                                               _mm512_set1_epi64(-1));
        v = zero ? (Full<T>)_mm512_maskz_mov_epi64(~m, (__m512i)v)
                 : (Full<T>)_mm512_mask_sub_epi64((__m512i)v, m, (__m512i)v, (__m512i)threshold);
        return uint64_t(m);
    }
#else
    Full<T> fired = (Full<T>)(v >= threshold);
    count -= fired;
    v = zero ? (v & ~fired) : v - (threshold & fired);
#if defined(__AVX2__)
    if constexpr (sizeof(T) == 4) return uint32_t(_mm256_movemask_ps((__m256)fired));
    return uint32_t(_mm256_movemask_pd((__m256d)fired));
#else
    uint64_t bits = 0;
    for (int i = 0; i < WIDTH / int(sizeof(T)); ++i) bits |= uint64_t(fired[i] & 1) << i;
    return bits;
#endif
#endif
}

// Adds `weight` to the lanes of `sum` whose bits are set.
template <class T>
inline void add_where(Full<T>& sum, uint64_t bits, const Full<T>& weight) {
#if defined(__AVX512BW__)
    if constexpr (sizeof(T) == 4)
        sum = (Full<T>)_mm512_mask_add_epi32((__m512i)sum, __mmask16(bits), (__m512i)sum,
                                             (__m512i)weight);
    else
        sum = (Full<T>)_mm512_mask_add_epi64((__m512i)sum, __mmask8(bits), (__m512i)sum,
                                             (__m512i)weight);
#else
    Full<T> one{};
    for (int i = 0; i < WIDTH / int(sizeof(T)); ++i) one[i] = T(1) << i;
    sum += weight & (Full<T>)(((Full<T>{} + T(bits & 255)) & one) == one);
#endif
}

// Adds the products of bytes: `spikes`, unsigned, times `weight`, signed, 4 of each to a 32-bit lane.
// `some` holds part of the sum where that is faster: pairs in 16 bits, for `MOST_PAIRS` / (spikes of
// a cell * largest weight) calls; `all_of` then gives what it holds.
constexpr int MOST_PAIRS = INT16_MAX / 2;
#if defined(__AVX512VNNI__) && defined(__AVX512BW__)
#if defined(__AMX_INT8__)
constexpr double DENSE_FROM = 0.055, DENSE_ROWS = 25;
#else
constexpr double DENSE_FROM = 0.33, DENSE_ROWS = 70;
#endif
constexpr bool PAIRS = false;
inline Full<int32_t> dot(Full<int32_t> some, Full<int32_t> spikes, Full<int32_t> weight) {
    return (Full<int32_t>)_mm512_dpbusd_epi32((__m512i)some, (__m512i)spikes, (__m512i)weight);
}
inline Full<int32_t> all_of(Full<int32_t> some) { return some; }
#elif defined(__AVX512BW__)
constexpr double DENSE_FROM = 0.5, DENSE_ROWS = 90;
constexpr bool PAIRS = true;
inline Full<int32_t> dot(Full<int32_t> some, Full<int32_t> spikes, Full<int32_t> weight) {
    return (Full<int32_t>)_mm512_add_epi16(
        (__m512i)some, _mm512_maddubs_epi16((__m512i)spikes, (__m512i)weight));
}
inline Full<int32_t> all_of(Full<int32_t> some) {
    return (Full<int32_t>)_mm512_madd_epi16((__m512i)some, _mm512_set1_epi16(1));
}
#elif defined(__AVX2__)
constexpr double DENSE_FROM = 0.5, DENSE_ROWS = 90;
constexpr bool PAIRS = true;
inline Full<int32_t> dot(Full<int32_t> some, Full<int32_t> spikes, Full<int32_t> weight) {
    return (Full<int32_t>)_mm256_add_epi16(
        (__m256i)some, _mm256_maddubs_epi16((__m256i)spikes, (__m256i)weight));
}
inline Full<int32_t> all_of(Full<int32_t> some) {
    return (Full<int32_t>)_mm256_madd_epi16((__m256i)some, _mm256_set1_epi16(1));
}
#else
constexpr double DENSE_FROM = 2, DENSE_ROWS = 0;  // never: there is no such instruction
constexpr bool PAIRS = false;
inline Full<int32_t> dot(Full<int32_t> some, Full<int32_t> spikes, Full<int32_t> weight) {
    for (int i = 0; i < WIDTH / 4; ++i)
        for (int k = 0; k < 32; k += 8)
            some[i] += (spikes[i] >> k & 255) * int8_t(weight[i] >> k & 255);
    return some;
}
inline Full<int32_t> all_of(Full<int32_t> some) { return some; }
#endif

#if defined(__AMX_INT8__)
constexpr int TOGETHER = 32;
#else
constexpr int TOGETHER = 0;
#endif

// Adds up to 64 channels of a cell, `rows` x `cols` words, and writes `width` bytes of sums.
inline void sum_bits(const uint64_t* from, size_t row_words, int rows, size_t col_words, int cols,
                     int width, uint8_t* to) {
#if defined(__AVX512BW__)
    const __m512i one = _mm512_set1_epi8(1);
    __m512i sum = _mm512_setzero_si512();
    for (int y = 0; y < rows; ++y)
        for (int x = 0; x < cols; ++x)
            sum = _mm512_mask_add_epi8(sum, from[y * row_words + x * col_words], sum, one);
    if (width >= 64)
        _mm512_storeu_si512(to, sum);
    else
        _mm512_mask_storeu_epi8(to, (uint64_t(1) << width) - 1, sum);
#else
    for (int i = 0; i < width; i += 8) {
        uint64_t sum = 0;
        for (int y = 0; y < rows; ++y)
            for (int x = 0; x < cols; ++x) {
                const uint64_t byte = from[y * row_words + x * col_words] >> i & 255;
                const uint64_t each = byte * 0x0101010101010101u & 0x8040201008040201u;
                sum += (each + 0x7f7f7f7f7f7f7f7fu) >> 7 & 0x0101010101010101u;
            }
        std::memcpy(to + i, &sum, width - i < 8 ? size_t(width - i) : 8);
    }
#endif
}

#if defined(__AVX2__) && !defined(__AVX512BW__)
// Of each byte the places of its set bits.
struct Places {
    uint8_t of[256][8];
    constexpr Places() : of() {
        for (int byte = 0; byte < 256; ++byte)
            for (int bit = 0, n = 0; bit < 8; ++bit)
                if (byte >> bit & 1) of[byte][n++] = uint8_t(bit);
    }
};
constexpr Places PLACES;
#endif

// Writes base + index of each set bit of `word`, of which only `width` can be set, from `out` on,
// and gives how many; may write up to 16 more entries than there are.
inline uint32_t* list_bits(uint64_t word, int width, uint32_t base, uint32_t* out) {
#if defined(__AVX512BW__)
    const __m512i iota =
        _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    for (int i = 0; i < width; i += 16) {
        __mmask16 m = __mmask16(word >> i);
        __m512i index = _mm512_add_epi32(iota, _mm512_set1_epi32(int(base + i)));
        _mm512_storeu_si512(out, _mm512_maskz_compress_epi32(m, index));
        out += __builtin_popcount(m);
    }
    return out;
#elif defined(__AVX2__)
    for (int i = 0; i < width; i += 8) {
        const unsigned byte = word >> i & 255;
        const __m128i places = _mm_loadl_epi64((const __m128i*)PLACES.of[byte]);
        _mm256_storeu_si256((__m256i*)out, _mm256_add_epi32(_mm256_cvtepu8_epi32(places),
                                                            _mm256_set1_epi32(int(base + i))));
        out += __builtin_popcount(byte);
    }
    return out;
#else
    (void)width;
    while (word) {
        *out++ = base + uint32_t(__builtin_ctzll(word));
        word &= word - 1;
    }
    return out;
#endif
}

}  // namespace
}  // namespace neurocomp
