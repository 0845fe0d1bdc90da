// Convolution in groups of channels as steps: a group of outputs reads the channels of its group.
//
// With one channel and one output a group (depthwise) channels lie in the lanes, else the outputs
// of a group. Images are not padded: what a window meets outside of them is left out.
// dims: 0 Y, 1 X, 2 C, 3 P, 4 Q, 5 O, 6 V, 7 U, 8 SY, 9 SX, 10 DY, 11 DX, 12 top, 13 left,
// 14 groups
#pragma once

#include "gemm.hpp"
#include "step.hpp"

namespace RESPNET_LEVEL {

struct grouped {
    int64_t Y, X, C, P, Q, O, V, U, SY, SX, DY, DX, top, left, groups;

    static grouped of(const respnet_step *s) {
        const int64_t *d = s->dim;
        return {d[0], d[1], d[2],  d[3],  d[4],  d[5],  d[6], d[7],
                d[8], d[9], d[10], d[11], d[12], d[13], d[14]};
    }
    int64_t channels() const { return C / groups; }
    int64_t outputs() const { return O / groups; }
    int64_t tap_size() const { return channels() * O; }

    // f(place of y, place of x, tap) for all that meet
    template <class F> void each(F &&f) const {
        for (int64_t p = 0; p < P; p++)
            for (int64_t q = 0; q < Q; q++)
                for (int64_t v = 0; v < V; v++) {
                    const int64_t y = p * SY + v * DY - top;
                    if (y < 0 || y >= Y) continue;
                    for (int64_t u = 0; u < U; u++) {
                        const int64_t x = q * SX + u * DX - left;
                        if (x >= 0 && x < X) f(p * Q + q, y * X + x, v * U + u);
                    }
                }
    }
    // f(channel, first output of its group, their first weight in a tap, how many they are)
    template <class F> void pairs(F &&f) const {
        const int64_t I = channels(), K = outputs();
        for (int64_t g = 0; g < groups; g++)
            for (int64_t i = 0; i < I; i++) f(g * I + i, g * K, i * O + g * K, K);
    }
    bool depthwise() const { return C == groups && O == groups; }
};

// x, kernel, bias? -> y
template <class R>
static void grouped_conv2d_forward_rows(const respnet_step *s, respnet_frame *f) {
    const grouped c = grouped::of(s);
    const R *x = at<R>(s, f, 0), *kernel = at<R>(s, f, 1), *bias = at<R>(s, f, 2);
    R *y = at<R>(s, f, 3);
    for (int64_t b = 0; b < rows_of(s, f); b++, x += c.Y * c.X * c.C, y += c.P * c.Q * c.O) {
        for (int64_t i = 0; i < c.P * c.Q; i++)
            for (int64_t o = 0; o < c.O; o++) y[i * c.O + o] = bias ? bias[o] : R(0);
        c.each([&](int64_t out, int64_t in, int64_t tap) {
            const R *from = x + in * c.C, *w = kernel + tap * c.tap_size();
            R *to = y + out * c.O;
            if (c.depthwise()) {
                for (int64_t o = 0; o < c.O; o++) to[o] += from[o] * w[o];
                return;
            }
            c.pairs([&](int64_t i, int64_t o, int64_t k, int64_t count) {
                for (int64_t n = 0; n < count; n++) to[o + n] += from[i] * w[k + n];
            });
        });
    }
}

// x, kernel, dz -> dx?, dkernel?, dbias?; constant 0: gradients are always added to
template <class R>
static void grouped_conv2d_backward_rows(const respnet_step *s, respnet_frame *f) {
    const grouped c = grouped::of(s);
    const bool add = f->accumulate || s->constant[0] != 0;
    const int64_t rows = rows_of(s, f), size = c.V * c.U * c.tap_size();
    const R *x = at<R>(s, f, 0), *kernel = at<R>(s, f, 1), *dz = at<R>(s, f, 2);
    R *dx = at<R>(s, f, 3), *dkernel = at<R>(s, f, 4), *dbias = at<R>(s, f, 5);
    if (dbias) column_sums<R>(rows * c.P * c.Q, c.O, dz, c.O, dbias, add);
    for (int64_t i = 0; dkernel && !add && i < size; i++) dkernel[i] = R(0);
    for (int64_t i = 0; dx && i < rows * c.Y * c.X * c.C; i++) dx[i] = R(0);
    for (int64_t b = 0; b < rows; b++, x += c.Y * c.X * c.C, dz += c.P * c.Q * c.O) {
        c.each([&](int64_t out, int64_t in, int64_t tap) {
            const R *d = dz + out * c.O, *from = x + in * c.C, *w = kernel + tap * c.tap_size();
            R *to = dx ? dx + (b * c.Y * c.X + in) * c.C : nullptr;
            R *dw = dkernel ? dkernel + tap * c.tap_size() : nullptr;
            if (c.depthwise()) {
                for (int64_t o = 0; to && o < c.O; o++) to[o] += d[o] * w[o];
                for (int64_t o = 0; dw && o < c.O; o++) dw[o] += d[o] * from[o];
                return;
            }
            c.pairs([&](int64_t i, int64_t o, int64_t k, int64_t count) {
                for (int64_t n = 0; to && n < count; n++) to[i] += d[o + n] * w[k + n];
                for (int64_t n = 0; dw && n < count; n++) dw[k + n] += d[o + n] * from[i];
            });
        });
    }
}

} // namespace RESPNET_LEVEL
