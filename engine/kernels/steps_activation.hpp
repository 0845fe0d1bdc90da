// Steps that treat every number, or every column, alike, in both layouts. dims: 0 columns N
#pragma once

#include "formulas.hpp"
#include "step.hpp"

namespace RESPNET_LEVEL {

// x -> y; dim 1 activation
template <class R, class Layout>
static void activation_forward(const respnet_step *s, respnet_frame *f) {
    const R *x = at<R>(s, f, 0);
    R *y = at<R>(s, f, 1);
    with_activation((int)s->dim[1], [&](auto act) {
        for_each_vector<R, Layout>(s->dim[0], f, [&](int64_t i, int64_t part) {
            put<R>(y + i, act.forward(take<R>(x + i, part)), part);
        });
    });
}

// x?, y, dy -> dx; dim 1 activation
template <class R, class Layout>
static void activation_backward(const respnet_step *s, respnet_frame *f) {
    const R *y = at<R>(s, f, 1), *dy = at<R>(s, f, 2);
    const R *x = s->space[0] < 0 ? y : at<R>(s, f, 0);
    R *dx = at<R>(s, f, 3);
    with_activation((int)s->dim[1], [&](auto act) {
        for_each_vector<R, Layout>(s->dim[0], f, [&](int64_t i, int64_t part) {
            const vec<R> d =
                act.backward(take<R>(x + i, part), take<R>(y + i, part), take<R>(dy + i, part));
            put<R>(dx + i, d, part);
        });
    });
}

// x -> y; constants: 0 max_value, 1 negative_slope, 2 threshold
template <class R> RESPNET_INLINE activation::bent<R> bent_by(const respnet_step *s) {
    return {R(s->constant[0]), R(s->constant[1]), R(s->constant[2])};
}
template <class R, class Layout> static void relu_forward(const respnet_step *s, respnet_frame *f) {
    const auto act = bent_by<R>(s);
    const R *x = at<R>(s, f, 0);
    R *y = at<R>(s, f, 1);
    for_each_vector<R, Layout>(s->dim[0], f, [&](int64_t i, int64_t part) {
        put<R>(y + i, act.forward(take<R>(x + i, part)), part);
    });
}

// x, dy -> dx
template <class R, class Layout>
static void relu_backward(const respnet_step *s, respnet_frame *f) {
    const auto act = bent_by<R>(s);
    const R *x = at<R>(s, f, 0), *dy = at<R>(s, f, 1);
    R *dx = at<R>(s, f, 2);
    for_each_vector<R, Layout>(s->dim[0], f, [&](int64_t i, int64_t part) {
        put<R>(dx + i, act.backward(take<R>(x + i, part), take<R>(dy + i, part)), part);
    });
}

// x -> y; constant 0 alpha
template <class R, class Layout> static void elu_forward(const respnet_step *s, respnet_frame *f) {
    const activation::scaled_elu<R> act{R(s->constant[0])};
    const R *x = at<R>(s, f, 0);
    R *y = at<R>(s, f, 1);
    for_each_vector<R, Layout>(s->dim[0], f, [&](int64_t i, int64_t part) {
        put<R>(y + i, act.forward(take<R>(x + i, part)), part);
    });
}

// x, y, dy -> dx
template <class R, class Layout> static void elu_backward(const respnet_step *s, respnet_frame *f) {
    const activation::scaled_elu<R> act{R(s->constant[0])};
    const R *x = at<R>(s, f, 0), *y = at<R>(s, f, 1), *dy = at<R>(s, f, 2);
    R *dx = at<R>(s, f, 3);
    for_each_vector<R, Layout>(s->dim[0], f, [&](int64_t i, int64_t part) {
        const vec<R> d =
            act.backward(take<R>(x + i, part), take<R>(y + i, part), take<R>(dy + i, part));
        put<R>(dx + i, d, part);
    });
}

// x, alpha (N) -> y: alpha x below 0, for each row along the last N numbers
template <class R> static void prelu_forward_rows(const respnet_step *s, respnet_frame *f) {
    const int64_t n = s->dim[0];
    const R *x = at<R>(s, f, 0), *alpha = at<R>(s, f, 1);
    R *y = at<R>(s, f, 2);
    for (int64_t r = 0; r < rows_of(s, f); r++, x += n, y += n)
        for (int64_t i = 0; i < n; i++) y[i] = x[i] < 0 ? alpha[i] * x[i] : x[i];
}

// x, alpha (N), dy -> dx?, dalpha (N); dim 3 it is always added to
template <class R> static void prelu_backward_rows(const respnet_step *s, respnet_frame *f) {
    const int64_t n = s->dim[0], rows = rows_of(s, f);
    const R *x = at<R>(s, f, 0), *alpha = at<R>(s, f, 1), *dy = at<R>(s, f, 2);
    R *dx = at<R>(s, f, 3), *dalpha = at<R>(s, f, 4);
    if (!f->accumulate && !s->dim[3]) memset(dalpha, 0, n * sizeof(R));
    for (int64_t r = 0; r < rows; r++)
        for (int64_t i = 0; i < n; i++) {
            const int64_t k = r * n + i;
            const bool low = x[k] < 0;
            dalpha[i] += low ? dy[k] * x[k] : R(0);
            if (dx) dx[k] = low ? alpha[i] * dy[k] : dy[k];
        }
}

// x -> y
template <class R, class Layout> static void copy(const respnet_step *s, respnet_frame *f) {
    const R *x = at<R>(s, f, 0);
    R *y = at<R>(s, f, 1);
    for_each_vector<R, Layout>(
        s->dim[0], f, [&](int64_t i, int64_t part) { put<R>(y + i, take<R>(x + i, part), part); });
}

// x -> +y
template <class R, class Layout> static void accumulate(const respnet_step *s, respnet_frame *f) {
    const R *x = at<R>(s, f, 0);
    R *y = at<R>(s, f, 1);
    for_each_vector<R, Layout>(s->dim[0], f, [&](int64_t i, int64_t part) {
        put<R>(y + i, take<R>(y + i, part) + take<R>(x + i, part), part);
    });
}

// x, scale (N), offset (N) -> y
template <class R> static void scale_forward_rows(const respnet_step *s, respnet_frame *f) {
    const int64_t n = s->dim[0];
    const R *x = at<R>(s, f, 0), *scale = at<R>(s, f, 1), *offset = at<R>(s, f, 2);
    R *y = at<R>(s, f, 3);
    for (int64_t r = 0; r < rows_of(s, f); r++)
        for (int64_t i = 0; i < n; i++) y[r * n + i] = x[r * n + i] * scale[i] + offset[i];
}
template <class R> static void scale_forward_lanes(const respnet_step *s, respnet_frame *f) {
    const R *x = at<R>(s, f, 0), *scale = at<R>(s, f, 1), *offset = at<R>(s, f, 2);
    R *y = at<R>(s, f, 3);
    for (int64_t n = 0; n < s->dim[0]; n++)
        for (int64_t r = 0; r < padded<R>(f->rows); r += LANES<R>)
            store<vec<R>>(y + n * f->stride + r,
                          load<vec<R>>(x + n * f->stride + r) * splat<vec<R>>(scale[n]) +
                              splat<vec<R>>(offset[n]));
}

// Between the layouts: x (B,N) by rows -> y by columns, rows past the last one 0; and back.
template <class R> static void rows_to_lanes(const respnet_step *s, respnet_frame *f) {
    const int64_t n = s->dim[0], rows = f->rows;
    const R *x = at<R>(s, f, 0);
    R *y = at<R>(s, f, 1);
    for (int64_t i = 0; i < n; i++) {
        R *column = y + i * f->stride;
        for (int64_t r = 0; r < rows; r++) column[r] = x[r * n + i];
        for (int64_t r = rows; r < padded<R>(rows); r++) column[r] = 0;
    }
}
template <class R> static void lanes_to_rows(const respnet_step *s, respnet_frame *f) {
    const int64_t n = s->dim[0];
    const R *x = at<R>(s, f, 0);
    R *y = at<R>(s, f, 1);
    for (int64_t r = 0; r < f->rows; r++)
        for (int64_t i = 0; i < n; i++) y[r * n + i] = x[i * f->stride + r];
}

} // namespace RESPNET_LEVEL
