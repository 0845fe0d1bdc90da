// Copies of strips of a matrix in the order the products read them.
#pragma once

#include "vector.hpp"

namespace RESPNET_LEVEL {

// out[k][width] = B(k, 0 .. n), zeros behind; B(k, j) = B[k * row_stride + j * col_stride].
template <class R>
static void pack_strip(const R *B, int64_t row_stride, int64_t col_stride, int64_t K, int64_t n,
                       int64_t width, R *out) {
    if (col_stride == 1) {
        for (int64_t k = 0; k < K; k++, out += width, B += row_stride)
            for (int64_t j = 0; j < width; j += LANES<R>) {
                const int64_t lanes = n - j < LANES<R> ? n - j : LANES<R>;
                store(out + j, load_part<vec<R>>(B + j, lanes));
            }
        return;
    }
    for (int64_t k0 = 0; k0 < K; k0 += 16) { // 16 rows of out at a time: B is read along k
        const int64_t k1 = K - k0 < 16 ? K : k0 + 16;
        for (int64_t j = 0; j < width; j++)
            for (int64_t k = k0; k < k1; k++)
                out[k * width + j] = j < n ? B[k * row_stride + j * col_stride] : 0;
    }
}

} // namespace RESPNET_LEVEL
