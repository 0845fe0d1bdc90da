// Inverted dropout (Srivastava et al. 2014). Whether a unit is kept is a hash of (seed of the
// batch, salt of the layer, row within the batch, unit): the same mask forward and backward, in
// every layout and for every cut into sub-batches, and nothing to store. dims: 0 columns N, 1 salt;
// constants: 0 rate
#pragma once

#include "step.hpp"

namespace RESPNET_LEVEL {

// An invertible mix of 32 bits: two rounds of xor-shift and multiplication.
RESPNET_INLINE uint32_t mixed(uint32_t h) {
    h ^= h >> 16;
    h *= 0x7feb352du;
    h ^= h >> 15;
    h *= 0x846ca68bu;
    return h ^ (h >> 16);
}

struct dropout_mask {
    uint32_t key, threshold;
    dropout_mask(const respnet_step *s, const respnet_frame *f)
        : key(mixed((uint32_t)f->seed ^ mixed((uint32_t)(f->seed >> 32) + (uint32_t)s->dim[1]))),
          threshold((uint32_t)(s->constant[0] * 4294967296.0)) {}
    bool keeps(int64_t row, int64_t units, int64_t unit) const {
        return mixed((uint32_t)(row * units + unit) ^ key) >= threshold;
    }
};

// x -> y (and dy -> dx, the same thing)
template <class R> static void dropout_rows(const respnet_step *s, respnet_frame *f) {
    const int64_t n = s->dim[0];
    const dropout_mask mask(s, f);
    const R scale = R(1 / (1 - s->constant[0]));
    const R *x = at<R>(s, f, 0);
    R *y = at<R>(s, f, 1);
    for (int64_t r = 0; r < f->rows; r++)
        for (int64_t i = 0; i < n; i++)
            y[r * n + i] = mask.keeps(f->first_row + r, n, i) ? x[r * n + i] * scale : R(0);
}
template <class R> static void dropout_lanes(const respnet_step *s, respnet_frame *f) {
    const int64_t n = s->dim[0], rows = padded<R>(f->rows);
    const dropout_mask mask(s, f);
    const R scale = R(1 / (1 - s->constant[0]));
    const R *x = at<R>(s, f, 0);
    R *y = at<R>(s, f, 1);
    for (int64_t i = 0; i < n; i++)
        for (int64_t r = 0; r < rows; r++) {
            const int64_t k = i * f->stride + r;
            y[k] = mask.keeps(f->first_row + r, n, i) ? x[k] * scale : R(0);
        }
}

} // namespace RESPNET_LEVEL
