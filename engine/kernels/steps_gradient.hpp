// What happens to gradients between the backward pass and the optimizer step: penalties of
// regularizers, then clipping. dims: 0 length N.
#pragma once

#include "steps_optimizer.hpp"

namespace RESPNET_LEVEL {

// w -> +g?; constants: l1, l2. The loss grows by l1 sum |w| + l2 sum w^2. Frozen w has no g.
template <class R> static void penalty_step(const respnet_step *s, respnet_frame *f) {
    const double l1 = s->constant[0], l2 = s->constant[1];
    const R *w = at<R>(s, f, 0);
    R *g = at<R>(s, f, 1);
    double absolute = 0, square = 0;
    for (int64_t i = 0; i < s->dim[0]; i++) {
        absolute += __builtin_fabs((double)w[i]);
        square += (double)w[i] * (double)w[i];
        if (g) g[i] += R(l1 * ((w[i] > 0) - (w[i] < 0)) + 2 * l2 * (double)w[i]);
    }
    f->loss += l1 * absolute + l2 * square;
}

// +g; constants: limit. Each number is kept within -limit and limit.
template <class R> static void clip_value_step(const respnet_step *s, respnet_frame *f) {
    const vec<R> limit = splat<vec<R>>(R(s->constant[0]));
    R *g = at<R>(s, f, 0);
    for_each_parameter<R>(s->dim[0], [&](int64_t i, int64_t part) {
        put<R>(g + i, maximum(minimum(take<R>(g + i, part), limit), -limit), part);
    });
}

// +g; constants: limit. g * limit / its norm where that is longer (Pascanu, Mikolov, Bengio 2013).
template <class R> static void clip_norm_step(const respnet_step *s, respnet_frame *f) {
    R *g = at<R>(s, f, 0);
    double square = 0;
    for (int64_t i = 0; i < s->dim[0]; i++) square += (double)g[i] * (double)g[i];
    const double norm = __builtin_sqrt(square), limit = s->constant[0];
    if (!(norm > limit)) return;
    const vec<R> factor = splat<vec<R>>(R(limit / norm));
    for_each_parameter<R>(s->dim[0], [&](int64_t i, int64_t part) {
        put<R>(g + i, take<R>(g + i, part) * factor, part);
    });
}

} // namespace RESPNET_LEVEL
