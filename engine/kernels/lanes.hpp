// Dense products with rows in the vector lanes, for nets so narrow that a matrix kernel would
// mostly multiply padding. Buffers are column by column (step.hpp); weights are read one by one and
// broadcast, so nothing is packed.
#pragma once

#include "step.hpp"

namespace RESPNET_LEVEL {

// Outputs computed together: as many as leave registers for one weight and four inputs.
constexpr int LANES_TILE = RESPNET_VECTOR_BYTES == 64 ? 6 : 2;

// Rows that go through a product and its activation together, while they are in the first cache.
template <class R> constexpr int64_t BLOCK = 4 * WIDE<R>;

// One product: out[o] = bias[o] + sum_i weight(o,i) x[i] over columns of `stride` rows, where
// weight(o,i) = weights[o * step_o + i * step_i].
template <class R> struct lanes_product {
    int64_t inputs, outputs, stride, step_o, step_i;
    const R *weights, *bias;

    // V registers of rows of T outputs
    template <int T, int V>
    inline __attribute__((always_inline)) void tile(const R *x, int64_t first, R *y) const {
        vec<R> sum[T][V];
        RESPNET_UNROLL for (int o = 0; o < T; o++) {
            const vec<R> start = splat<vec<R>>(bias ? bias[first + o] : R(0));
            RESPNET_UNROLL for (int v = 0; v < V; v++) sum[o][v] = start;
        }
        const R *w = weights + first * step_o;
        for (int64_t i = 0; i < inputs; i++, w += step_i) {
            vec<R> column[V];
            RESPNET_UNROLL for (int v = 0; v < V; v++)
                column[v] = load<vec<R>>(x + i * stride + v * LANES<R>);
            RESPNET_UNROLL for (int o = 0; o < T; o++) {
                const vec<R> weight = splat<vec<R>>(w[o * step_o]);
                RESPNET_UNROLL for (int v = 0; v < V; v++) sum[o][v] += weight * column[v];
            }
        }
        RESPNET_UNROLL for (int o = 0; o < T; o++)
            RESPNET_UNROLL for (int v = 0; v < V; v++)
                store<vec<R>>(y + (first + o) * stride + v * LANES<R>, sum[o][v]);
    }

    template <int V> __attribute__((noinline)) void columns(const R *x, R *y) const {
        int64_t o = 0;
        for (; o + LANES_TILE <= outputs; o += LANES_TILE) tile<LANES_TILE, V>(x, o, y);
        for (; o + 2 <= outputs; o += 2) tile<2, V>(x, o, y);
        if (o < outputs) tile<1, V>(x, o, y);
    }

    // rows: a multiple of WIDE
    void operator()(const R *x, int64_t rows, R *y) const {
        constexpr int FEW = WIDE<R> / LANES<R>;
        int64_t r = 0;
        for (; r + 4 * LANES<R> <= rows; r += 4 * LANES<R>) columns<4>(x + r, y + r);
        for (; r < rows; r += WIDE<R>) columns<FEW>(x + r, y + r);
    }
};

// d[a][b] (+)= sum over rows of x[a] y[b] for an A x B tile of column pairs.
template <class R, int A, int B> static void
lanes_outer_tile(int64_t rows, const R *x, const R *y, int64_t stride, R *d, int64_t ld, bool add) {
    wide<R> sum[A][B]{};
    for (int64_t r = 0; r < rows; r += WIDE<R>) {
        wide<R> right[B];
        RESPNET_UNROLL for (int b = 0; b < B; b++) right[b] = load<wide<R>>(y + b * stride + r);
        RESPNET_UNROLL for (int a = 0; a < A; a++) {
            const wide<R> left = load<wide<R>>(x + a * stride + r);
            RESPNET_UNROLL for (int b = 0; b < B; b++) sum[a][b] += left * right[b];
        }
    }
    RESPNET_UNROLL for (int a = 0; a < A; a++) RESPNET_UNROLL for (int b = 0; b < B; b++) {
        const R s = sum_lanes(sum[a][b]);
        d[a * ld + b] = add ? d[a * ld + b] + s : s;
    }
}

// A wide<R> is several registers below AVX-512, so tiles shrink with them.
constexpr int OUTER_A = RESPNET_VECTOR_BYTES == 64 ? 4 : 2;
constexpr int OUTER_B = RESPNET_VECTOR_BYTES == 64 ? 5 : 2;

template <class R, int A> static void lanes_outer_row(int64_t rows, int64_t outputs, const R *x,
                                                      const R *y, int64_t stride, R *d, int64_t ld,
                                                      bool add) {
    int64_t b = 0;
    for (; b + OUTER_B <= outputs; b += OUTER_B)
        lanes_outer_tile<R, A, OUTER_B>(rows, x, y + b * stride, stride, d + b, ld, add);
    for (; b + 2 <= outputs; b += 2)
        lanes_outer_tile<R, A, 2>(rows, x, y + b * stride, stride, d + b, ld, add);
    if (b < outputs) lanes_outer_tile<R, A, 1>(rows, x, y + b * stride, stride, d + b, ld, add);
}

// d (inputs, outputs) (+)= x^T y over the padded rows.
template <class R> static void lanes_outer(int64_t rows, int64_t inputs, int64_t outputs,
                                           const R *x, const R *y, int64_t stride, R *d, bool add) {
    int64_t a = 0;
    for (; a + OUTER_A <= inputs; a += OUTER_A)
        lanes_outer_row<R, OUTER_A>(rows, outputs, x + a * stride, y, stride, d + a * outputs,
                                    outputs, add);
    for (; a < inputs; a++)
        lanes_outer_row<R, 1>(rows, outputs, x + a * stride, y, stride, d + a * outputs, outputs,
                              add);
}

// out[o] (+)= sum over rows of y[o].
template <class R> static void lanes_sums(int64_t rows, int64_t outputs, const R *y, int64_t stride,
                                          R *out, bool add) {
    for (int64_t o = 0; o < outputs; o++) {
        wide<R> sum{};
        for (int64_t r = 0; r < rows; r += WIDE<R>) sum += load<wide<R>>(y + o * stride + r);
        const R s = sum_lanes(sum);
        out[o] = add ? out[o] + s : s;
    }
}

} // namespace RESPNET_LEVEL
