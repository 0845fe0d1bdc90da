// softmax as a layer of its own. dims: 0 columns N
#pragma once

#include "softmax.hpp"
#include "step.hpp"

namespace RESPNET_LEVEL {

template <class R> static void softmax_forward_rows(const respnet_step *s, respnet_frame *f) {
    const int64_t n = s->dim[0];
    softmax_rows<R>(at<R>(s, f, 0), n, at<R>(s, f, 1), n, rows_of(s, f), n);
}
template <class R> static void softmax_forward_lanes(const respnet_step *s, respnet_frame *f) {
    const R *x = at<R>(s, f, 0);
    R *y = at<R>(s, f, 1);
    for (int64_t r = 0; r < padded<R>(f->rows); r += LANES<R>) {
        vec<R> top = load<vec<R>>(x + r), sum{};
        for (int64_t o = 1; o < s->dim[0]; o++)
            top = maximum(top, load<vec<R>>(x + o * f->stride + r));
        for (int64_t o = 0; o < s->dim[0]; o++) {
            const vec<R> e = exp(load<vec<R>>(x + o * f->stride + r) - top);
            sum += e;
            store<vec<R>>(y + o * f->stride + r, e);
        }
        const vec<R> scale = splat<vec<R>>(R(1)) / sum;
        for (int64_t o = 0; o < s->dim[0]; o++) {
            R *p = y + o * f->stride + r;
            store<vec<R>>(p, load<vec<R>>(p) * scale);
        }
    }
}

// y, dy -> dx = y (dy - sum dy y)
template <class R> static void softmax_backward_rows(const respnet_step *s, respnet_frame *f) {
    const int64_t n = s->dim[0];
    const R *y = at<R>(s, f, 0), *dy = at<R>(s, f, 1);
    R *dx = at<R>(s, f, 2);
    for (int64_t r = 0; r < rows_of(s, f); r++, y += n, dy += n, dx += n) {
        wide<R> sum{};
        for (int64_t i = 0; i < n; i += WIDE<R>) {
            const int64_t part = n - i < WIDE<R> ? n - i : WIDE<R>;
            sum += load_part<wide<R>>(y + i, part) * load_part<wide<R>>(dy + i, part);
        }
        const R dot = sum_lanes(sum);
        for (int64_t i = 0; i < n; i++) dx[i] = y[i] * (dy[i] - dot);
    }
}
template <class R> static void softmax_backward_lanes(const respnet_step *s, respnet_frame *f) {
    const R *y = at<R>(s, f, 0), *dy = at<R>(s, f, 1);
    R *dx = at<R>(s, f, 2);
    for (int64_t r = 0; r < padded<R>(f->rows); r += LANES<R>) {
        vec<R> dot{};
        for (int64_t o = 0; o < s->dim[0]; o++)
            dot += load<vec<R>>(y + o * f->stride + r) * load<vec<R>>(dy + o * f->stride + r);
        for (int64_t o = 0; o < s->dim[0]; o++) {
            const int64_t k = o * f->stride + r;
            store<vec<R>>(dx + k, load<vec<R>>(y + k) * (load<vec<R>>(dy + k) - dot));
        }
    }
}

// x -> y = x - log(sum exp(x)), stable as softmax is
template <class R> static void log_softmax_forward_rows(const respnet_step *s, respnet_frame *f) {
    typedef wide<R> W;
    const int64_t n = s->dim[0];
    const R *x = at<R>(s, f, 0);
    R *y = at<R>(s, f, 1);
    for (int64_t r = 0; r < rows_of(s, f); r++, x += n, y += n) {
        R top = x[0];
        for (int64_t i = 1; i < n; i++) top = x[i] > top || x[i] != x[i] ? x[i] : top;
        W sum{};
        along<W>(n, [&](int64_t i, int64_t part) { // through y: lanes past the end read as 0
            store_part(y + i, exp(load_part<W>(x + i, part) - splat<W>(top)), part);
            sum += load_part<W>(y + i, part);
        });
        const W shift = splat<W>(top + log(sum_lanes(sum)));
        along<W>(n, [&](int64_t i, int64_t part) {
            store_part(y + i, load_part<W>(x + i, part) - shift, part);
        });
    }
}

// y, dy -> dx = dy - exp(y) sum(dy)
template <class R> static void log_softmax_backward_rows(const respnet_step *s, respnet_frame *f) {
    typedef wide<R> W;
    const int64_t n = s->dim[0];
    const R *y = at<R>(s, f, 0), *dy = at<R>(s, f, 1);
    R *dx = at<R>(s, f, 2);
    for (int64_t r = 0; r < rows_of(s, f); r++, y += n, dy += n, dx += n) {
        W sum{};
        along<W>(n, [&](int64_t i, int64_t part) { sum += load_part<W>(dy + i, part); });
        const W total = splat<W>(sum_lanes(sum));
        along<W>(n, [&](int64_t i, int64_t part) {
            const W d = load_part<W>(dy + i, part) - exp(load_part<W>(y + i, part)) * total;
            store_part(dx + i, d, part);
        });
    }
}

} // namespace RESPNET_LEVEL
