// One row times a matrix: y = act(x B + bias), over wide panels.
//
// Columns are cut into groups of up to GROUP registers, as even as possible; a group is stored as
// [k][registers][lanes], padded with zeros, and read once from front to back. Few columns leave too
// few independent sums to hide the latency of FMA, so then k is dealt to four sums (two, for some
// more columns) that are added at the end. N alone decides how many: all levels add in one order.
#pragma once

#include <utility>

#include "activate.hpp"
#include "pack.hpp"

namespace RESPNET_LEVEL {

#if defined(__AVX512F__)
constexpr int GROUP = 16, SUMS = 24; // registers of columns; registers that may hold sums
#else
constexpr int GROUP = 12, SUMS = 12;
#endif

// Sums that k is dealt to.
template <class R> constexpr int64_t FOUR_SUMS_UP_TO = 256 / sizeof(R); // columns
template <class R> constexpr int64_t TWO_SUMS_UP_TO = 512 / sizeof(R);
template <class R> RESPNET_INLINE int split_of(int64_t N) {
    return N <= FOUR_SUMS_UP_TO<R> ? 4 : N <= TWO_SUMS_UP_TO<R> ? 2 : 1;
}

// Calls f(first register, registers) for the groups of N columns.
template <class R, class F> RESPNET_INLINE void column_groups(int64_t N, F f) {
    const int64_t registers = (N + LANES<R> - 1) / LANES<R>, split = split_of<R>(N);
    const int64_t limit = SUMS / split < GROUP ? SUMS / split : GROUP;
    int64_t first = 0;
    for (int64_t left = (registers + limit - 1) / limit; left > 0; left--) {
        const int64_t n = (registers - first + left - 1) / left;
        f(first, (int)n);
        first += n;
    }
}

// Elements that the packed form of B (K,N) takes.
template <class R> int64_t wide_size(int64_t K, int64_t N) {
    return K * ((N + LANES<R> - 1) / LANES<R> * LANES<R>);
}

// B(k, n) = B[k * row_stride + n * col_stride].
template <class R>
void pack_wide(const R *B, int64_t row_stride, int64_t col_stride, int64_t K, int64_t N, R *out) {
    column_groups<R>(N, [&](int64_t first, int registers) {
        const int64_t j0 = first * LANES<R>, width = registers * LANES<R>;
        const int64_t n = N - j0 < width ? N - j0 : width;
        pack_strip(B + j0 * col_stride, row_stride, col_stride, K, n, width, out);
        out += K * width;
    });
}

template <class R> struct vector_product {
    int64_t K;
    const R *x, *packed, *bias; // bias may be null
    R *y;
    int64_t last_lanes; // columns in the last register
    int activation;
};

// sum[s][v] += x[k] B(k, v) for k of SPLIT steps
template <class R, int VECTORS, int SPLIT>
RESPNET_INLINE void multiply_group(const vector_product<R> &p, vec<R> (&sum)[SPLIT][VECTORS]) {
    const R *b = p.packed;
    const auto step = [&](int s, R x_k) {
        RESPNET_UNROLL for (int v = 0; v < VECTORS; v++)
            sum[s][v] += splat<vec<R>>(x_k) * load<vec<R>>(b + v * LANES<R>);
        b += VECTORS * LANES<R>;
    };
    int64_t k = 0;
    for (; k + SPLIT <= p.K; k += SPLIT)
        RESPNET_UNROLL for (int s = 0; s < SPLIT; s++) step(s, p.x[k + s]);
    RESPNET_UNROLL for (int s = 0; s < SPLIT - 1; s++)
        if (k + s < p.K) step(s, p.x[k + s]);
}

template <class R, int VECTORS, int SPLIT>
__attribute__((noinline)) void run_group(const vector_product<R> &p) {
    typedef vec<R> V;
    V sum[SPLIT][VECTORS] = {};
    const auto lanes = [&](int v) { return v < VECTORS - 1 ? (int64_t)LANES<R> : p.last_lanes; };
    if (p.bias)
        RESPNET_UNROLL for (int v = 0; v < VECTORS; v++)
            sum[0][v] = load_part<V>(p.bias + v * LANES<R>, lanes(v));
    multiply_group<R, VECTORS, SPLIT>(p, sum);
    V y[VECTORS];
    RESPNET_UNROLL for (int v = 0; v < VECTORS; v++) {
        if constexpr (SPLIT == 1) y[v] = sum[0][v];
        else if constexpr (SPLIT == 2) y[v] = sum[0][v] + sum[1][v];
        else y[v] = (sum[0][v] + sum[1][v]) + (sum[2][v] + sum[3][v]);
    }
    if (p.activation != activation::number_linear) activate<R>(p.activation, y, VECTORS);
    RESPNET_UNROLL for (int v = 0; v < VECTORS; v++) {
        if (v < VECTORS - 1) store(p.y + v * LANES<R>, y[v]);
        else store_part(p.y + v * LANES<R>, y[v], p.last_lanes);
    }
}

template <class R, int SPLIT> struct group_table {
    static constexpr int limit = SUMS / SPLIT < GROUP ? SUMS / SPLIT : GROUP;
    typedef void (*function)(const vector_product<R> &);
    function run[limit + 1];
    template <int... I> static constexpr group_table list(std::integer_sequence<int, I...>) {
        return {{nullptr, run_group<R, I + 1, SPLIT>...}};
    }
};
template <class R, int SPLIT>
constexpr group_table<R, SPLIT> GROUPS = group_table<R, SPLIT>::list(
    std::make_integer_sequence<int, group_table<R, SPLIT>::limit>());

// y (N) = act(x (K) B + bias); bias may be null and may be y. Nothing is written behind y[N - 1].
template <class R>
void gemv_wide(int64_t N, int64_t K, const R *x, const R *packed, const R *bias, R *y,
               int activation) {
    const int split = split_of<R>(N);
    column_groups<R>(N, [&](int64_t first, int registers) {
        const int64_t j = first * LANES<R>, before = j + (registers - 1) * LANES<R>;
        const int64_t last = N - before < LANES<R> ? N - before : LANES<R>;
        const vector_product<R> p = {K,     x,    packed,    bias ? bias + j : nullptr,
                                     y + j, last, activation};
        if (split == 4) GROUPS<R, 4>.run[registers](p);
        else if (split == 2) GROUPS<R, 2>.run[registers](p);
        else GROUPS<R, 1>.run[registers](p);
        packed += K * registers * LANES<R>;
    });
}

} // namespace RESPNET_LEVEL
