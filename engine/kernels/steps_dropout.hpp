// Inverted dropout (Srivastava et al. 2014). Whether a unit is kept is a hash of (seed of the
// batch, salt of the layer, row within the batch, unit): the same mask forward and backward, in
// every layout and for every cut into sub-batches, and nothing to store. A layer with a seed of its
// own takes that and the number of the batch instead of the batch's seed.
// dims: 0 columns N, 1 salt, 2 own seed + 1 or 0; constants: 0 rate
#pragma once

#include <math.h>

#include "seed.h"
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

RESPNET_INLINE uint32_t key_of(const respnet_step *s, const respnet_frame *f) {
    const uint64_t seed = s->dim[2] ? next_seed((uint64_t)(s->dim[2] - 1 + f->t)) : f->seed;
    return mixed((uint32_t)seed ^ mixed((uint32_t)(seed >> 32) + (uint32_t)s->dim[1]));
}

struct dropout_mask {
    uint32_t key, threshold;
    dropout_mask(const respnet_step *s, const respnet_frame *f)
        : key(key_of(s, f)), threshold((uint32_t)(s->constant[0] * 4294967296.0)) {}
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

// x (its rows only) -> y (B,N), uniform from 0 to below 1
template <class R> static void uniform_rows(const respnet_step *s, respnet_frame *f) {
    const int64_t n = s->dim[0], first = f->first_row * n;
    const uint32_t key = key_of(s, f);
    R *y = at<R>(s, f, 1);
    for (int64_t i = 0; i < f->rows * n; i++)
        y[i] = R((mixed((uint32_t)(first + i) ^ key) >> 8) / 16777216.0); // exact in float32
}

// x (its rows only) -> y (B,N), normal; constants: 0 mean, 1 deviation. Two hashes are two uniform
// numbers, and these one normal one (Box and Muller 1958).
template <class R> static void normal_rows(const respnet_step *s, respnet_frame *f) {
    const int64_t n = s->dim[0], first = f->first_row * n;
    const uint32_t key = key_of(s, f);
    R *y = at<R>(s, f, 1);
    for (int64_t i = 0; i < f->rows * n; i++) {
        const uint32_t k = 2 * (uint32_t)(first + i);
        const double size = (mixed(k ^ key) + 1.0) / 4294967296.0;
        const double turn = mixed((k + 1) ^ key) / 4294967296.0;
        const double z = ::sqrt(-2 * ::log(size)) * ::cos(6.283185307179586 * turn);
        y[i] = (R)(s->constant[0] + s->constant[1] * z);
    }
}

} // namespace RESPNET_LEVEL
