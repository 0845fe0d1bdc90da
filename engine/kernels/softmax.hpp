// Softmax of rows, stable: the largest value is taken off first.
//
// Narrow rows are computed with rows in the lanes, sums in the order of the columns; others with
// columns in the lanes of wide<R>. The choice depends on n alone, so all levels add in one order.
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

template <class R> static void softmax_row(const R *x, R *y, int64_t n) {
    typedef wide<R> V;
    const int64_t whole = n / WIDE<R> * WIDE<R>, rest = n - whole;
    R largest = x[0];
    for (int64_t j = 1; j < n; j++) largest = maximum(largest, x[j]);
    V sum{};
    for (int64_t j = 0; j < whole; j += WIDE<R>) {
        const V e = exp(load<V>(x + j) - splat<V>(largest));
        sum += e;
        store(y + j, e);
    }
    if (rest) {
        store_part(y + whole, exp(load_part<V>(x + whole, rest) - splat<V>(largest)), rest);
        sum += load_part<V>(y + whole, rest);
    }
    const V scale = splat<V>(1 / sum_lanes(sum));
    for (int64_t j = 0; j < whole; j += WIDE<R>) store(y + j, load<V>(y + j) * scale);
    if (rest) store_part(y + whole, load_part<V>(y + whole, rest) * scale, rest);
}

// y (rows,n) = exp(x) / sum of exp(x) along each row; y may be x. NaN, or +inf, makes its row NaN.
template <class R>
void softmax_rows(const R *x, int64_t ldx, R *y, int64_t ldy, int64_t rows, int64_t n) {
    if (n <= 0) return;
    if (n > NARROW_SOFTMAX) {
        for (int64_t i = 0; i < rows; i++) softmax_row(x + i * ldx, y + i * ldy, n);
        return;
    }
    for (int64_t i = 0; i < rows; i += LANES<R>) {
        const int64_t block = rows - i < LANES<R> ? rows - i : LANES<R>;
        softmax_narrow(x + i * ldx, ldx, y + i * ldy, ldy, block, n);
    }
}

} // namespace RESPNET_LEVEL
