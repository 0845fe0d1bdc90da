// Convolution, pooling and padding as steps; a row of the batch is one image.
//
// dims of a convolution: 0 Y, 1 X of the padded image, 2 C, 3 P, 4 Q, 5 O, 6 V, 7 U, 8 SY, 9 SX,
// 10 DY, 11 DX
#pragma once

#include "conv.hpp"
#include "winograd.hpp"

namespace RESPNET_LEVEL {

RESPNET_INLINE convolution convolution_of(const respnet_step *s) {
    const int64_t *d = s->dim;
    return {d[0], d[1], d[2], d[3], d[4], d[5], d[6], d[7], d[8], d[9], d[10], d[11]};
}

// padded x, packed kernel, bias? -> y; dim 12 activation
template <class R> static void conv2d_forward_rows(const respnet_step *s, respnet_frame *f) {
    const convolution c = convolution_of(s);
    const R *x = at<R>(s, f, 0);
    R *y = at<R>(s, f, 3);
    for (int64_t b = 0; b < f->rows; b++, x += c.Y * c.X * c.C, y += c.P * c.Q * c.O)
        convolve<R>(c, x, at<R>(s, f, 1), at<R>(s, f, 2), y, (int)s->dim[12]);
}

// padded x, dz -> dkernel, dbias?; 4 workspace; dim 12: gradients are always added to
template <class R> static void conv2d_backward_rows(const respnet_step *s, respnet_frame *f) {
    const convolution c = convolution_of(s);
    const bool add = f->accumulate || s->dim[12];
    const R *x = at<R>(s, f, 0), *dz = at<R>(s, f, 1);
    R *dbias = at<R>(s, f, 3);
    if (dbias) column_sums<R>(f->rows * c.P * c.Q, c.O, dz, c.O, dbias, add);
    for (int64_t b = 0; b < f->rows; b++, x += c.Y * c.X * c.C, dz += c.P * c.Q * c.O)
        convolve_gradient<R>(c, x, dz, at<R>(s, f, 2), add || b > 0, at<R>(s, f, 4));
}

// dz, packed kernel^T -> dx, where there are strides; 3 workspace; Y and X not padded; dims 12 top,
// 13 left
template <class R> static void conv2d_input_gradient_rows(const respnet_step *s, respnet_frame *f) {
    const convolution c = convolution_of(s);
    const R *dz = at<R>(s, f, 0);
    R *dx = at<R>(s, f, 2);
    for (int64_t b = 0; b < f->rows; b++, dz += c.P * c.Q * c.O, dx += c.Y * c.X * c.C)
        convolve_back<R>(c, s->dim[12], s->dim[13], dz, at<R>(s, f, 1), dx, at<R>(s, f, 3));
}

// The same for windows of 3 x 3 by winograd.hpp. dims: 0 Y, 1 X, 2 C, 3 P, 4 Q, 5 O, 6 tiles of a
// block, 7 activation, or whether gradients are always added to
RESPNET_INLINE winograd winograd_of(const respnet_step *s) {
    const int64_t *d = s->dim;
    return {d[0], d[1], d[2], d[3], d[4], d[5], d[6]};
}

// padded x, packed kernel, bias?, y; 4 workspace
template <class R> static void winograd_forward_rows(const respnet_step *s, respnet_frame *f) {
    winograd_convolve<R>(winograd_of(s), f->rows, at<R>(s, f, 0), at<R>(s, f, 1), at<R>(s, f, 2),
                         at<R>(s, f, 3), (int)s->dim[7], at<R>(s, f, 4));
}

// padded x, dz -> dkernel, dbias?; 4 workspace
template <class R> static void winograd_backward_rows(const respnet_step *s, respnet_frame *f) {
    const winograd w = winograd_of(s);
    const bool add = f->accumulate || s->dim[7];
    const R *dz = at<R>(s, f, 1);
    R *dbias = at<R>(s, f, 3);
    if (dbias) column_sums<R>(f->rows * w.P * w.Q, w.O, dz, w.O, dbias, add);
    winograd_gradient<R>(w, f->rows, at<R>(s, f, 0), dz, at<R>(s, f, 2), add, at<R>(s, f, 4));
}

// kernel (3,3,C,O) -> packed; dims: 0 C, 1 O, 2 as the gradient of x meets it
template <class R> static void pack_winograd_kernel(const respnet_step *s, respnet_frame *f) {
    pack_winograd<R>(at<R>(s, f, 0), s->dim[0], s->dim[1], s->dim[2] != 0, at<R>(s, f, 1));
}

// kernel (V,U,C,O) -> packed for the gradient of x; dims: 0 places of the window, 1 C, 2 O
template <class R> static void pack_turned_kernel(const respnet_step *s, respnet_frame *f) {
    pack_turned<R>(at<R>(s, f, 0), s->dim[0], s->dim[1], s->dim[2], at<R>(s, f, 1));
}

// x (Y,X,C) -> y (P,Q,C), zeros but for x at (top, left); dims: 0 Y, 1 X, 2 C, 3 P, 4 Q, 5 top,
// 6 left
template <class R> static void zero_padding_forward_rows(const respnet_step *s, respnet_frame *f) {
    const int64_t *d = s->dim, Y = d[0], X = d[1], C = d[2], P = d[3], Q = d[4];
    const R *x = at<R>(s, f, 0);
    R *y = at<R>(s, f, 1);
    for (int64_t b = 0; b < f->rows; b++, y += P * Q * C) {
        memset(y, 0, P * Q * C * sizeof(R));
        for (int64_t i = 0; i < Y; i++, x += X * C)
            memcpy(y + ((d[5] + i) * Q + d[6]) * C, x, X * C * sizeof(R));
    }
}

// dy (P,Q,C) -> dx (Y,X,C), without the pads; dims as above
template <class R> static void zero_padding_backward_rows(const respnet_step *s, respnet_frame *f) {
    const int64_t *d = s->dim, Y = d[0], X = d[1], C = d[2], P = d[3], Q = d[4];
    const R *dy = at<R>(s, f, 0);
    R *dx = at<R>(s, f, 1);
    for (int64_t b = 0; b < f->rows; b++, dy += P * Q * C)
        for (int64_t i = 0; i < Y; i++, dx += X * C)
            memcpy(dx, dy + ((d[5] + i) * Q + d[6]) * C, X * C * sizeof(R));
}

// --- pooling: dims 0 Y, 1 X, 2 C, 3 P, 4 Q, 5 and 6 window, 7 and 8 strides, 9 top, 10 left -----

struct windows {
    int64_t Y, X, C, P, Q, V, U, SY, SX, top, left;

    // f(place of the output, first row, behind the last, first column, behind the last) of x
    template <class F> void each(F f) const {
        for (int64_t p = 0; p < P; p++)
            for (int64_t q = 0; q < Q; q++) {
                const int64_t y = p * SY - top, x = q * SX - left;
                f(p * Q + q, y < 0 ? 0 : y, y + V < Y ? y + V : Y, x < 0 ? 0 : x,
                  x + U < X ? x + U : X);
            }
    }
};

RESPNET_INLINE windows windows_of(const respnet_step *s) {
    const int64_t *d = s->dim;
    return {d[0], d[1], d[2], d[3], d[4], d[5], d[6], d[7], d[8], d[9], d[10]};
}

// f(offset of a place in x) for the places of a window, row by row
template <class F>
RESPNET_INLINE void places(const windows &w, int64_t y0, int64_t y1, int64_t x0, int64_t x1, F f) {
    for (int64_t y = y0; y < y1; y++)
        for (int64_t x = x0; x < x1; x++) f((y * w.X + x) * w.C);
}

// x -> y
template <class R> static void max_pooling_forward_rows(const respnet_step *s, respnet_frame *f) {
    const windows w = windows_of(s);
    const R *x = at<R>(s, f, 0);
    R *y = at<R>(s, f, 1);
    for (int64_t b = 0; b < f->rows; b++, x += w.Y * w.X * w.C, y += w.P * w.Q * w.C)
        w.each([&](int64_t place, int64_t y0, int64_t y1, int64_t x0, int64_t x1) {
            each_register<R>(w.C, [&](int64_t c, int64_t part) {
                vec<R> most = take<R>(x + (y0 * w.X + x0) * w.C + c, part);
                places(w, y0, y1, x0, x1, [&](int64_t i) {
                    const vec<R> other = take<R>(x + i + c, part);
                    most = other > most ? other : most;
                });
                put<R>(y + place * w.C + c, most, part);
            });
        });
}

// x, y, dy -> dx
template <class R> static void max_pooling_backward_rows(const respnet_step *s, respnet_frame *f) {
    const windows w = windows_of(s);
    const R *x = at<R>(s, f, 0), *y = at<R>(s, f, 1), *dy = at<R>(s, f, 2);
    R *dx = at<R>(s, f, 3);
    const int64_t inputs = w.Y * w.X * w.C, outputs = w.P * w.Q * w.C;
    memset(dx, 0, f->rows * inputs * sizeof(R));
    for (int64_t b = 0; b < f->rows; b++, x += inputs, dx += inputs, y += outputs, dy += outputs)
        w.each([&](int64_t place, int64_t y0, int64_t y1, int64_t x0, int64_t x1) {
            each_register<R>(w.C, [&](int64_t c, int64_t part) {
                const vec<R> most = take<R>(y + place * w.C + c, part);
                vec<R> left = take<R>(dy + place * w.C + c, part); // 0 once it is given away
                places(w, y0, y1, x0, x1, [&](int64_t i) {
                    const auto found = take<R>(x + i + c, part) == most;
                    put<R>(dx + i + c, take<R>(dx + i + c, part) + (found ? left : vec<R>{}), part);
                    left = found ? vec<R>{} : left;
                });
            });
        });
}

// x -> y
template <class R>
static void average_pooling_forward_rows(const respnet_step *s, respnet_frame *f) {
    const windows w = windows_of(s);
    const R *x = at<R>(s, f, 0);
    R *y = at<R>(s, f, 1);
    for (int64_t b = 0; b < f->rows; b++, x += w.Y * w.X * w.C, y += w.P * w.Q * w.C)
        w.each([&](int64_t place, int64_t y0, int64_t y1, int64_t x0, int64_t x1) {
            const vec<R> count = splat<vec<R>>(R((y1 - y0) * (x1 - x0)));
            each_register<R>(w.C, [&](int64_t c, int64_t part) {
                vec<R> sum{};
                places(w, y0, y1, x0, x1, [&](int64_t i) { sum += take<R>(x + i + c, part); });
                put<R>(y + place * w.C + c, sum / count, part);
            });
        });
}

// dy -> dx
template <class R>
static void average_pooling_backward_rows(const respnet_step *s, respnet_frame *f) {
    const windows w = windows_of(s);
    const R *dy = at<R>(s, f, 0);
    R *dx = at<R>(s, f, 1);
    memset(dx, 0, f->rows * w.Y * w.X * w.C * sizeof(R));
    for (int64_t b = 0; b < f->rows; b++, dx += w.Y * w.X * w.C, dy += w.P * w.Q * w.C)
        w.each([&](int64_t place, int64_t y0, int64_t y1, int64_t x0, int64_t x1) {
            const vec<R> count = splat<vec<R>>(R((y1 - y0) * (x1 - x0)));
            each_register<R>(w.C, [&](int64_t c, int64_t part) {
                const vec<R> share = take<R>(dy + place * w.C + c, part) / count;
                places(w, y0, y1, x0, x1, [&](int64_t i) {
                    put<R>(dx + i + c, take<R>(dx + i + c, part) + share, part);
                });
            });
        });
}

// x (B,T,N), mask (B,T) -> y (B,N); dims: 0 N, 1 T
template <class R> static void masked_mean_forward_rows(const respnet_step *s, respnet_frame *f) {
    const int64_t N = s->dim[0], T = s->dim[1];
    const R *x = at<R>(s, f, 0), *mask = at<R>(s, f, 1);
    R *y = at<R>(s, f, 2);
    memset(y, 0, f->rows * N * sizeof(R));
    for (int64_t b = 0; b < f->rows; b++, mask += T, y += N) {
        R count = 0;
        for (int64_t t = 0; t < T; t++, x += N) {
            count += mask[t];
            for (int64_t n = 0; n < N; n++) y[n] += mask[t] ? x[n] : R(0);
        }
        for (int64_t n = 0; n < N; n++) y[n] /= count > 0 ? count : R(1);
    }
}

// dy (B,N), mask (B,T) -> dx (B,T,N)
template <class R> static void masked_mean_backward_rows(const respnet_step *s, respnet_frame *f) {
    const int64_t N = s->dim[0], T = s->dim[1];
    const R *dy = at<R>(s, f, 0), *mask = at<R>(s, f, 1);
    R *dx = at<R>(s, f, 2);
    for (int64_t b = 0; b < f->rows; b++, mask += T, dy += N) {
        R count = 0;
        for (int64_t t = 0; t < T; t++) count += mask[t];
        for (int64_t t = 0; t < T; t++, dx += N)
            for (int64_t n = 0; n < N; n++) dx[n] = mask[t] ? dy[n] / count : R(0);
    }
}

} // namespace RESPNET_LEVEL
