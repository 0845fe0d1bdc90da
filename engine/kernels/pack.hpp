// Copies of strips of a matrix in the order the products read them: out[k][width] = B(k, 0 .. n),
// zeros behind, with B(k, j) = B[k * row_stride + j * col_stride].
#pragma once

#include "vector.hpp"

namespace RESPNET_LEVEL {

// Rows are contiguous.
template <class R>
static void pack_rows(const R *B, int64_t row_stride, int64_t K, int64_t n, int64_t width, R *out) {
    const int64_t whole = n / LANES<R> * LANES<R>;
    for (int64_t k = 0; k < K; k++, out += width, B += row_stride) {
        for (int64_t j = 0; j < whole; j += LANES<R>) store(out + j, load<vec<R>>(B + j));
        if (whole < width) store(out + whole, load_part<vec<R>>(B + whole, n - whole));
    }
}

// Four columns of B, contiguous and stride apart, to four rows of out.
template <class R>
RESPNET_INLINE void transpose4(const R *B, int64_t stride, R *out, int64_t width) {
    typedef R quad __attribute__((vector_size(4 * sizeof(R)), aligned(sizeof(R)), may_alias));
    const auto column = [&](int j) { return *(const quad *)(B + j * stride); };
    const auto row = [&](int k) -> quad & { return *(quad *)(out + k * width); };
    const quad a = column(0), b = column(1), c = column(2), d = column(3);
    const quad ab_low = __builtin_shufflevector(a, b, 0, 4, 1, 5);
    const quad ab_high = __builtin_shufflevector(a, b, 2, 6, 3, 7);
    const quad cd_low = __builtin_shufflevector(c, d, 0, 4, 1, 5);
    const quad cd_high = __builtin_shufflevector(c, d, 2, 6, 3, 7);
    row(0) = __builtin_shufflevector(ab_low, cd_low, 0, 1, 4, 5);
    row(1) = __builtin_shufflevector(ab_low, cd_low, 2, 3, 6, 7);
    row(2) = __builtin_shufflevector(ab_high, cd_high, 0, 1, 4, 5);
    row(3) = __builtin_shufflevector(ab_high, cd_high, 2, 3, 6, 7);
}

// Columns are contiguous: B is the transpose of a matrix with rows of length K.
template <class R>
static void pack_transposed(const R *B, int64_t stride, int64_t K, int64_t n, int64_t width,
                            R *out) {
    constexpr int64_t block = 64; // rows of out that stay in the first-level cache
    for (int64_t k0 = 0; k0 < K; k0 += block) {
        const int64_t k1 = K - k0 < block ? K : k0 + block, k4 = k0 + (k1 - k0) / 4 * 4;
        for (int64_t j = 0; j + 4 <= n; j += 4)
            for (int64_t k = k0; k < k4; k += 4)
                transpose4(B + j * stride + k, stride, out + k * width + j, width);
        for (int64_t k = k0; k < k1; k++) // what is left of the rows, then of the columns
            for (int64_t j = k < k4 ? n / 4 * 4 : 0; j < width; j++)
                out[k * width + j] = j < n ? B[j * stride + k] : 0;
    }
}

template <class R>
static void pack_strip(const R *B, int64_t row_stride, int64_t col_stride, int64_t K, int64_t n,
                       int64_t width, R *out) {
    if (col_stride == 1) return pack_rows(B, row_stride, K, n, width, out);
    if (row_stride == 1) return pack_transposed(B, col_stride, K, n, width, out);
    for (int64_t k = 0; k < K; k++)
        for (int64_t j = 0; j < width; j++)
            out[k * width + j] = j < n ? B[k * row_stride + j * col_stride] : 0;
}

} // namespace RESPNET_LEVEL
