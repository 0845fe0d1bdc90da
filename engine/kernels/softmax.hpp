// Softmax of rows, stable: the largest value is taken off first.
//
// Narrow rows are computed with rows in the lanes, sums in the order of the columns; others with
// columns in the lanes, summed in wide<R>. The choice depends on n alone: one order at all levels.
#pragma once

#include "math.hpp"

namespace RESPNET_LEVEL {

constexpr int64_t NARROW_SOFTMAX = 32; // columns

// Up to LANES rows; t is [n][lanes].
template <class R>
static void softmax_narrow(const R *x, int64_t ldx, R *y, int64_t ldy, int64_t rows, int64_t n) {
    typedef vec<R> V;
    alignas(64) R t[NARROW_SOFTMAX][LANES<R>] = {};
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < n; j++) t[j][i] = x[i * ldx + j];
    V largest = load<V>(t[0]), sum{};
    for (int64_t j = 1; j < n; j++) largest = maximum(largest, load<V>(t[j]));
    for (int64_t j = 0; j < n; j++) {
        const V e = exp(load<V>(t[j]) - largest);
        sum += e;
        store(t[j], e);
    }
    const V scale = splat<V>(1) / sum;
    for (int64_t j = 0; j < n; j++) store(t[j], load<V>(t[j]) * scale);
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < n; j++) y[i * ldy + j] = t[j][i];
}

// The largest of n > LANES numbers; the last register overlaps the one before.
template <class R> RESPNET_INLINE R largest_of(const R *x, int64_t n) {
    vec<R> top = load<vec<R>>(x + n - LANES<R>);
    for (int64_t j = 0; j + LANES<R> <= n; j += LANES<R>) top = maximum(top, load<vec<R>>(x + j));
    R largest = top[0];
    for (int i = 1; i < LANES<R>; i++) largest = maximum(largest, R(top[i]));
    return largest;
}

// Calls f(first column, columns) for the registers of a row.
template <class V, class F> RESPNET_INLINE void along(int64_t n, F f) {
    int64_t j = 0;
    for (; j + traits<V>::lanes <= n; j += traits<V>::lanes) f(j, (int64_t)traits<V>::lanes);
    if (j < n) f(j, n - j);
}

// One narrow row: as softmax_narrow does it, bit for bit, without the transposition.
template <class R> static void softmax_single(const R *x, R *y, int64_t n) {
    typedef vec<R> V;
    R largest = x[0], sum = 0;
    for (int64_t j = 1; j < n; j++) largest = x[j] > largest || x[j] != x[j] ? x[j] : largest;
    along<V>(n, [&](int64_t j, int64_t part) {
        store_part(y + j, exp(load_part<V>(x + j, part) - splat<V>(largest)), part);
    });
    for (int64_t j = 0; j < n; j++) sum += y[j];
    const R scale = 1 / sum;
    for (int64_t j = 0; j < n; j++) y[j] *= scale;
}

template <class R> static void softmax_row(const R *x, R *y, int64_t n) {
    typedef vec<R> V;
    typedef wide<R> W;
    const V largest = splat<V>(largest_of(x, n));
    along<V>(n, [&](int64_t j, int64_t part) {
        store_part(y + j, exp(load_part<V>(x + j, part) - largest), part);
    });
    W sum{};
    along<W>(n, [&](int64_t j, int64_t part) { sum += load_part<W>(y + j, part); });
    const V scale = splat<V>(1 / sum_lanes(sum));
    along<V>(n, [&](int64_t j, int64_t part) {
        store_part(y + j, load_part<V>(y + j, part) * scale, part);
    });
}

// y (rows,n) = exp(x) / sum of exp(x) along each row; y may be x. NaN, or +inf, makes its row NaN.
template <class R>
void softmax_rows(const R *x, int64_t ldx, R *y, int64_t ldy, int64_t rows, int64_t n) {
    if (n <= 0) return;
    if (n > NARROW_SOFTMAX) {
        for (int64_t i = 0; i < rows; i++) softmax_row(x + i * ldx, y + i * ldy, n);
        return;
    }
    if (rows == 1) return softmax_single(x, y, n);
    for (int64_t i = 0; i < rows; i += LANES<R>) {
        const int64_t block = rows - i < LANES<R> ? rows - i : LANES<R>;
        softmax_narrow(x + i * ldx, ldx, y + i * ldy, ldy, block, n);
    }
}

} // namespace RESPNET_LEVEL
