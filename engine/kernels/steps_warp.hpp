// Pictures moved and turned a little, each in its own way, as steps; a row is one picture.
//
// Place (p,q) of y is read from x where it came from: about the middle, turned back by the angle
// after it was moved back. Between places x is interpolated; outside of it fill_mode says what is
// there. operands: x (or dy), draws (B,3) of 0 .. 1, y (or dx). dims: 0 Y, 1 X, 2 C, 3 fill mode,
// 4 interpolate. constants: 0 to 2 lows of (down, right, angle), 3 to 5 highs, 6 fill value
#pragma once

#include <math.h>

#include "step.hpp"

namespace RESPNET_LEVEL {

enum { FILL_CONSTANT, FILL_NEAREST, FILL_REFLECT, FILL_WRAP }; // the order of FILL_MODES

// The place of a picture of n places that stands for place i; -1: none does.
inline int64_t filled(int64_t i, int64_t n, int64_t mode) {
    if (i >= 0 && i < n) return i;
    if (mode == FILL_CONSTANT) return -1;
    if (mode == FILL_NEAREST) return i < 0 ? 0 : n - 1;
    const int64_t period = mode == FILL_WRAP ? n : 2 * n, k = ((i % period) + period) % period;
    return k < n ? k : 2 * n - 1 - k;
}

struct warp {
    int64_t Y, X, fill;
    bool smooth;
    double down, right, sine, cosine;

    template <class R> static warp of(const respnet_step *s, const R *draws) {
        double moves[3];
        for (int i = 0; i < 3; i++)
            moves[i] = s->constant[i] + (s->constant[3 + i] - s->constant[i]) * (double)draws[i];
        return {s->dim[0], s->dim[1], s->dim[3], s->dim[4] != 0, moves[0], moves[1],
                ::sin(moves[2]), ::cos(moves[2])};
    }

    // f(place of x or -1, its weight) for what place (p,q) of y is made of
    template <class F> void sources(int64_t p, int64_t q, F &&f) const {
        const double middle_y = 0.5 * (double)(Y - 1), middle_x = 0.5 * (double)(X - 1);
        const double dy = (double)p - middle_y - down, dx = (double)q - middle_x - right;
        const double y = cosine * dy + sine * dx + middle_y;
        const double x = cosine * dx - sine * dy + middle_x;
        if (!smooth) return f(place((int64_t)::rint(y), (int64_t)::rint(x)), 1.0);
        const double y0 = ::floor(y), x0 = ::floor(x), v = y - y0, u = x - x0;
        for (int64_t i = 0; i < 2; i++)
            for (int64_t j = 0; j < 2; j++)
                f(place((int64_t)y0 + i, (int64_t)x0 + j), (i ? v : 1 - v) * (j ? u : 1 - u));
    }

  private:
    int64_t place(int64_t y, int64_t x) const {
        const int64_t row = filled(y, Y, fill), column = filled(x, X, fill);
        return row < 0 || column < 0 ? -1 : row * X + column;
    }
};

template <class R> static void warp_forward_rows(const respnet_step *s, respnet_frame *f) {
    const int64_t Y = s->dim[0], X = s->dim[1], C = s->dim[2];
    const R *x = at<R>(s, f, 0), *draws = at<R>(s, f, 1);
    R *y = at<R>(s, f, 2);
    for (int64_t b = 0; b < rows_of(s, f); b++, x += Y * X * C, draws += 3) {
        const warp moved = warp::of(s, draws);
        for (int64_t i = 0; i < Y * X; i++, y += C) {
            for (int64_t c = 0; c < C; c++) y[c] = R(0);
            moved.sources(i / X, i % X, [&](int64_t place, double weight) {
                const R w = R(weight), outside = R(s->constant[6]);
                for (int64_t c = 0; c < C; c++)
                    y[c] += w * (place < 0 ? outside : x[place * C + c]);
            });
        }
    }
}

template <class R> static void warp_backward_rows(const respnet_step *s, respnet_frame *f) {
    const int64_t Y = s->dim[0], X = s->dim[1], C = s->dim[2];
    const R *dy = at<R>(s, f, 0), *draws = at<R>(s, f, 1);
    R *dx = at<R>(s, f, 2);
    for (int64_t b = 0; b < rows_of(s, f); b++, dx += Y * X * C, draws += 3) {
        const warp moved = warp::of(s, draws);
        for (int64_t i = 0; i < Y * X * C; i++) dx[i] = R(0);
        for (int64_t i = 0; i < Y * X; i++, dy += C)
            moved.sources(i / X, i % X, [&](int64_t place, double weight) {
                for (int64_t c = 0; place >= 0 && c < C; c++)
                    dx[place * C + c] += R(weight) * dy[c];
            });
    }
}

} // namespace RESPNET_LEVEL
