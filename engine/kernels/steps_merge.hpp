// Steps that join values, cut them, and put their numbers in another order. dims: 0 columns N
#pragma once

#include "formulas.hpp"
#include "step.hpp"

namespace RESPNET_LEVEL {

// x, factor -> y
template <class R, class Layout> static void multiply(const respnet_step *s, respnet_frame *f) {
    const R *x = at<R>(s, f, 0), *factor = at<R>(s, f, 1);
    R *y = at<R>(s, f, 2);
    for_each_vector<R, Layout>(s->dim[0], f, [&](int64_t i, int64_t part) {
        put<R>(y + i, take<R>(x + i, part) * take<R>(factor + i, part), part);
    });
}

// x -> y = scale x + offset; constants: 0 scale, 1 offset
template <class R, class Layout> static void affine(const respnet_step *s, respnet_frame *f) {
    const vec<R> scale = splat<vec<R>>(R(s->constant[0]));
    const vec<R> offset = splat<vec<R>>(R(s->constant[1]));
    const R *x = at<R>(s, f, 0);
    R *y = at<R>(s, f, 1);
    for_each_vector<R, Layout>(s->dim[0], f, [&](int64_t i, int64_t part) {
        put<R>(y + i, multiply_add(scale, take<R>(x + i, part), offset), part);
    });
}

struct larger {
    template <class V> static V of(V x, V other) { return maximum(x, other); }
    template <class V> static auto loses(V x, V other) { return less(x, other); }
};
struct smaller {
    template <class V> static V of(V x, V other) { return minimum(x, other); }
    template <class V> static auto loses(V x, V other) { return less(other, x); }
};

// x, other -> y
template <class R, class Layout, class Better>
static void better_forward(const respnet_step *s, respnet_frame *f) {
    const R *x = at<R>(s, f, 0), *other = at<R>(s, f, 1);
    R *y = at<R>(s, f, 2);
    for_each_vector<R, Layout>(s->dim[0], f, [&](int64_t i, int64_t part) {
        put<R>(y + i, Better::of(take<R>(x + i, part), take<R>(other + i, part)), part);
    });
}

// x, other, dy -> dx; equals share the gradient
template <class R, class Layout, class Better>
static void better_backward(const respnet_step *s, respnet_frame *f) {
    const R *x = at<R>(s, f, 0), *other = at<R>(s, f, 1), *dy = at<R>(s, f, 2);
    R *dx = at<R>(s, f, 3);
    for_each_vector<R, Layout>(s->dim[0], f, [&](int64_t i, int64_t part) {
        typedef vec<R> V;
        const V a = take<R>(x + i, part), b = take<R>(other + i, part), d = take<R>(dy + i, part);
        const V shared = select(Better::loses(b, a), d, splat<V>(0.5) * d);
        put<R>(dx + i, select(Better::loses(a, b), splat<V>(0), shared), part);
    });
}

// At each place x (M) and y (N) -> z (M+N); dims: 0 M, 1 N
template <class R> static void concatenate_rows(const respnet_step *s, respnet_frame *f) {
    const int64_t M = s->dim[0], N = s->dim[1];
    const R *x = at<R>(s, f, 0), *y = at<R>(s, f, 1);
    R *z = at<R>(s, f, 2);
    for (int64_t r = 0; r < rows_of(s, f); r++, z += M + N) {
        memcpy(z, x + r * M, M * sizeof(R));
        memcpy(z + M, y + r * N, N * sizeof(R));
    }
}

// z (M+N) -> x? (M), y? (N)
template <class R> static void split_rows(const respnet_step *s, respnet_frame *f) {
    const int64_t M = s->dim[0], N = s->dim[1];
    const R *z = at<R>(s, f, 0);
    R *x = at<R>(s, f, 1), *y = at<R>(s, f, 2);
    for (int64_t r = 0; r < rows_of(s, f); r++, z += M + N) {
        if (x) memcpy(x + r * M, z, M * sizeof(R));
        if (y) memcpy(y + r * N, z + M, N * sizeof(R));
    }
}

// Place (i,j,k,l) of y is number offset + i s_i + j s_j + k s_k + l s_l of x.
// dims: 0 columns of x, 1 of y, 2-5 lengths of the axes of y, 6-9 strides in x, 10 offset
// f(number in y, number in x): of each run along the last axis.
template <class F> RESPNET_INLINE void each_run(const respnet_step *s, F f) {
    const int64_t *length = s->dim + 2, *stride = s->dim + 6;
    int64_t out = 0;
    for (int64_t i = 0; i < length[0]; i++)
        for (int64_t j = 0; j < length[1]; j++)
            for (int64_t k = 0; k < length[2]; k++, out += length[3])
                f(out, s->dim[10] + i * stride[0] + j * stride[1] + k * stride[2]);
}

template <class R> static void rearrange_forward_rows(const respnet_step *s, respnet_frame *f) {
    const int64_t N = s->dim[5], step = s->dim[9];
    const R *x = at<R>(s, f, 0);
    R *y = at<R>(s, f, 1);
    for (int64_t r = 0; r < f->rows; r++, x += s->dim[0], y += s->dim[1])
        each_run(s, [&](int64_t out, int64_t in) {
            if (step == 1) memcpy(y + out, x + in, N * sizeof(R));
            else
                for (int64_t n = 0; n < N; n++) y[out + n] = x[in + n * step];
        });
}

// dy -> dx: what was read several times is added up, what never was is 0
template <class R> static void rearrange_backward_rows(const respnet_step *s, respnet_frame *f) {
    const int64_t N = s->dim[5], step = s->dim[9];
    const R *dy = at<R>(s, f, 0);
    R *dx = at<R>(s, f, 1);
    memset(dx, 0, f->rows * s->dim[0] * sizeof(R));
    for (int64_t r = 0; r < f->rows; r++, dx += s->dim[0], dy += s->dim[1])
        each_run(s, [&](int64_t out, int64_t in) {
            for (int64_t n = 0; n < N; n++) dx[in + n * step] += dy[out + n];
        });
}

} // namespace RESPNET_LEVEL
