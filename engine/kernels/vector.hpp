// Compiler vectors: the one type kernels compute with.
//
// vec<R>  is one register of the level being compiled (RESPNET_VECTOR_BYTES).
// wide<R> is 64 bytes at every level. Sums that run *along* the lanes (over rows, or over the
//         columns of a softmax) use wide<R>, so that AVX2 and AVX-512 add the same numbers in the
//         same order and give the same bits. Everything else is vectorised over outputs and needs
//         no such care.
// Everything lives in a namespace named after the level: two levels can be loaded side by side, and
// the linker can never merge an AVX-512 body into portable code.
#pragma once

#include <stdint.h>
#include <string.h>

#include <type_traits>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define RESPNET_INLINE static inline __attribute__((always_inline))
#define RESPNET_UNROLL _Pragma("GCC unroll 16")

namespace RESPNET_LEVEL {

template <class R> struct integer_of;
template <> struct integer_of<float> { typedef int32_t type; };
template <> struct integer_of<double> { typedef int64_t type; };

template <class R, int BYTES> struct vector_of {
    typedef R type __attribute__((vector_size(BYTES)));
    typedef R loose __attribute__((vector_size(BYTES), aligned(sizeof(R)), may_alias));
    typedef typename integer_of<R>::type mask __attribute__((vector_size(BYTES)));
    typedef std::make_unsigned_t<typename integer_of<R>::type> unsigned_mask
        __attribute__((vector_size(BYTES)));
};

template <class R> using vec = typename vector_of<R, RESPNET_VECTOR_BYTES>::type;
template <class R> using wide = typename vector_of<R, 64>::type;

template <class R> constexpr int LANES = RESPNET_VECTOR_BYTES / sizeof(R);
template <class R> constexpr int WIDE = 64 / sizeof(R);

// What a value type V (R, vec<R> or wide<R>) is made of.
template <class V> struct traits;
#define RESPNET_TRAITS(R)                                                                          \
    template <> struct traits<R> { typedef R real; typedef integer_of<R>::type mask;               \
        static constexpr int lanes = 1; };                                                         \
    template <> struct traits<wide<R>> { typedef R real; typedef vector_of<R, 64>::mask mask;      \
        static constexpr int lanes = WIDE<R>; };
RESPNET_TRAITS(float)
RESPNET_TRAITS(double)
#if RESPNET_VECTOR_BYTES != 64
#define RESPNET_VECTOR_TRAITS(R)                                                                   \
    template <> struct traits<vec<R>> { typedef R real;                                            \
        typedef vector_of<R, RESPNET_VECTOR_BYTES>::mask mask;                                     \
        static constexpr int lanes = LANES<R>; };
RESPNET_VECTOR_TRAITS(float)
RESPNET_VECTOR_TRAITS(double)
#endif

template <class V> using real_of = typename traits<V>::real;
template <class V> using mask_of = typename traits<V>::mask;
template <class V>
using unsigned_mask_of = typename vector_of<real_of<V>, sizeof(V)>::unsigned_mask;

template <class V> RESPNET_INLINE V splat(real_of<V> x) {
    if constexpr (traits<V>::lanes == 1) return x;
    else return x - V{};
}

// Unaligned load and store of a whole V.
template <class V> RESPNET_INLINE V load(const real_of<V> *p) {
    if constexpr (traits<V>::lanes == 1) return *p;
    else return *(const typename vector_of<real_of<V>, sizeof(V)>::loose *)p;
}
template <class V> RESPNET_INLINE void store(real_of<V> *p, V x) {
    if constexpr (traits<V>::lanes == 1) *p = x;
    else *(typename vector_of<real_of<V>, sizeof(V)>::loose *)p = x;
}

// Keeps x in a register. Without it gcc reads a value from memory again for each of a few uses, and
// loads, not arithmetic, are what limits a product of few rows.
template <class V> RESPNET_INLINE void keep(V &x) {
#if defined(__AVX512F__)
    asm("" : "+v"(x));
#elif defined(__x86_64__)
    asm("" : "+x"(x));
#endif
}

// First n lanes only, 0 <= n <= lanes; the others read as 0 and are never touched in memory.
// AVX-512 has registers for masks; AVX2 takes the signs of a vector, read from a row of -1 and 0.
template <class V> RESPNET_INLINE V load_part(const real_of<V> *p, int64_t n);
template <class V> RESPNET_INLINE void store_part(real_of<V> *p, V x, int64_t n);

// The same of a V of several registers, some of them whole, one in part, the others not at all.
template <class V> RESPNET_INLINE int64_t lanes_of_piece(int i, int64_t n) {
    constexpr int64_t lanes = LANES<real_of<V>>;
    const int64_t left = n - i * lanes;
    return left < 0 ? 0 : left < lanes ? left : lanes;
}
template <class V> RESPNET_INLINE V load_part_of_wide(const real_of<V> *p, int64_t n) {
    typedef vec<real_of<V>> P;
    V x;
    RESPNET_UNROLL for (int i = 0; i < (int)(sizeof(V) / sizeof(P)); i++) {
        const P piece = load_part<P>(p + i * LANES<real_of<V>>, lanes_of_piece<V>(i, n));
        memcpy((char *)&x + i * sizeof(P), &piece, sizeof(P));
    }
    return x;
}
template <class V> RESPNET_INLINE void store_part_of_wide(real_of<V> *p, V x, int64_t n) {
    typedef vec<real_of<V>> P;
    RESPNET_UNROLL for (int i = 0; i < (int)(sizeof(V) / sizeof(P)); i++) {
        P piece;
        memcpy(&piece, (const char *)&x + i * sizeof(P), sizeof(P));
        store_part<P>(p + i * LANES<real_of<V>>, piece, lanes_of_piece<V>(i, n));
    }
}

#if defined(__AVX512F__)
#define RESPNET_PART(V, size) if constexpr (sizeof(V) == 64 && sizeof(real_of<V>) == size)
template <class V> RESPNET_INLINE V load_part(const real_of<V> *p, int64_t n) {
    RESPNET_PART(V, 4) return (V)_mm512_maskz_loadu_ps((__mmask16)_bzhi_u32(~0u, (unsigned)n), p);
    RESPNET_PART(V, 8) return (V)_mm512_maskz_loadu_pd((__mmask8)_bzhi_u32(~0u, (unsigned)n), p);
}
template <class V> RESPNET_INLINE void store_part(real_of<V> *p, V x, int64_t n) {
    RESPNET_PART(V, 4) {
        return _mm512_mask_storeu_ps(p, (__mmask16)_bzhi_u32(~0u, (unsigned)n), (__m512)x);
    }
    RESPNET_PART(V, 8) {
        return _mm512_mask_storeu_pd(p, (__mmask8)_bzhi_u32(~0u, (unsigned)n), (__m512d)x);
    }
}
#elif defined(__AVX2__)
#define RESPNET_PART(V, size) if constexpr (sizeof(V) == 32 && sizeof(real_of<V>) == size)
template <class R> RESPNET_INLINE __m256i first_lanes(int64_t n) {
    typedef typename integer_of<R>::type I;
    static const I row[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
    return _mm256_loadu_si256((const __m256i *)(row + 8 - n));
}
template <class V> RESPNET_INLINE V load_part(const real_of<V> *p, int64_t n) {
    RESPNET_PART(V, 4) return (V)_mm256_maskload_ps(p, first_lanes<float>(n));
    RESPNET_PART(V, 8) return (V)_mm256_maskload_pd(p, first_lanes<double>(n));
    return load_part_of_wide<V>(p, n);
}
template <class V> RESPNET_INLINE void store_part(real_of<V> *p, V x, int64_t n) {
    RESPNET_PART(V, 4) return _mm256_maskstore_ps(p, first_lanes<float>(n), (__m256)x);
    RESPNET_PART(V, 8) return _mm256_maskstore_pd(p, first_lanes<double>(n), (__m256d)x);
    store_part_of_wide<V>(p, x, n);
}
#else
template <class V> RESPNET_INLINE V load_part(const real_of<V> *p, int64_t n) {
    V x{};
    memcpy(&x, p, n * sizeof(real_of<V>));
    return x;
}
template <class V> RESPNET_INLINE void store_part(real_of<V> *p, V x, int64_t n) {
    memcpy(p, &x, n * sizeof(real_of<V>));
}
#endif
#undef RESPNET_PART

// Sum of the lanes in a fixed order: the upper half is added to the lower one, again and again.
template <class R, class V, int N> RESPNET_INLINE R fold(V x) {
    if constexpr (N == 1) return x;
    else if constexpr (N == 2) return x[0] + x[1];
    else if constexpr (N == 4)
        return fold<R, decltype(__builtin_shufflevector(x, x, 0, 1)), 2>(
            __builtin_shufflevector(x, x, 0, 1) + __builtin_shufflevector(x, x, 2, 3));
    else if constexpr (N == 8)
        return fold<R, decltype(__builtin_shufflevector(x, x, 0, 1, 2, 3)), 4>(
            __builtin_shufflevector(x, x, 0, 1, 2, 3) + __builtin_shufflevector(x, x, 4, 5, 6, 7));
    else
        return fold<R, decltype(__builtin_shufflevector(x, x, 0, 1, 2, 3, 4, 5, 6, 7)), 8>(
            __builtin_shufflevector(x, x, 0, 1, 2, 3, 4, 5, 6, 7) +
            __builtin_shufflevector(x, x, 8, 9, 10, 11, 12, 13, 14, 15));
}
template <class V> RESPNET_INLINE real_of<V> sum_lanes(V x) {
    return fold<real_of<V>, V, traits<V>::lanes>(x);
}

} // namespace RESPNET_LEVEL
