// Convolution as matrix products that read the image where it lies: nothing is copied to columns.
//
// Along a row of the image the numbers under a window are contiguous: what places q, q + 1, ... of
// the output read begins SX * C numbers apart, so a row of windows is a matrix with that distance
// of rows, and a tile of gemm.hpp can multiply it. The places of a window that are contiguous make
// a run: a row of it, U * C numbers, or one place of it where DX > 1. The kernel (V,U,C,O) is a
// matrix (V*U*C, O) whose rows are in the order of the runs, packed in panels.
// Images are padded already: x (Y,X,C) -> y (P,Q,O).
#pragma once

#include "gemm.hpp"
#include "step.hpp"

namespace RESPNET_LEVEL {

constexpr int64_t PLACES = 256; // of the output whose gradients meet a strip of dkernel at a time

struct convolution {
    int64_t Y, X, C, P, Q, O, V, U, SY, SX, DY, DX;

    int64_t depth() const { return V * U * C; }
    int64_t step() const { return SX * C; }      // between two places of the output
    int64_t row_step() const { return SY * X * C; } // between two rows of them
};

// Runs of equal length, equally far from each other; the first begins `from` numbers behind the
// window's beginning and meets row k of the kernel.
struct tap_runs {
    int64_t from, k, runs, length, distance;
};

// f(group) for all runs, at most `limit` numbers in a group: longer runs are cut.
template <class F> RESPNET_INLINE void each_group(const convolution &c, int64_t limit, F f) {
    const bool rows = c.DX == 1 || c.U == 1;
    const int64_t outer = rows ? 1 : c.V, runs = rows ? c.V : c.U;
    const int64_t length = rows ? c.U * c.C : c.C;
    const int64_t row = c.DY * c.X * c.C, distance = rows ? row : c.DX * c.C;
    const int64_t together = length < limit ? limit / length : 1;
    for (int64_t o = 0; o < outer; o++)
        pieces(runs, together, [&](int64_t run, int64_t count) {
            pieces(length, limit, [&](int64_t begin, int64_t n) {
                const int64_t k = (o * runs + run) * length + begin;
                f(tap_runs{o * row + run * distance + begin, k, count, n, distance});
            });
        });
}

// y (P,Q,O) = act(sums of windows of x times the kernel, packed in panels, + bias?)
template <class R>
void convolve(const convolution &c, const R *x, const R *panels, const R *bias, R *y,
              int activation) {
    const int64_t K = c.depth();
    each_group(c, DEPTH, [&](tap_runs g) {
        const bool first = g.k == 0, last = g.k + g.runs * g.length == K;
        strips<R>(0, c.O, false, true, [&](int64_t j, int registers, int64_t columns) {
            const int64_t width = (registers < 2 ? registers : 2) * LANES<R>;
            const int64_t next_width = registers * LANES<R> - width;
            tile<R> t = {g.length, nullptr, c.step(), panels + j * K + g.k * width, width,
                         panels + (j + width) * K + g.k * next_width, next_width, nullptr, c.O,
                         columns - (registers - 1) * LANES<R>, !first,
                         first && bias ? bias + j : nullptr,
                         last ? activation : activation::number_linear,
                         g.runs, g.distance - g.length};
            for (int64_t p = 0; p < c.P; p++)
                row_blocks(c.Q, row_limit(registers), [&](int64_t q, int block) {
                    t.a = x + p * c.row_step() + q * c.step() + g.from;
                    t.c = y + (p * c.Q + q) * c.O + j;
                    TILES<R, false>.run[block][registers](t);
                });
        });
    });
}

// f(first row, rows, first place, places) of the output, at most PLACES places, whole rows of them
// if they are shorter than that.
template <class F> RESPNET_INLINE void each_area(const convolution &c, F f) {
    const int64_t rows = c.Q < PLACES ? PLACES / c.Q : 1;
    pieces(c.P, rows, [&](int64_t p, int64_t count) {
        pieces(c.Q, PLACES, [&](int64_t q, int64_t places) { f(p, count, q, places); });
    });
}

// dkernel (V,U,C,O) (+)= the numbers under each window times its dz (P,Q,O).
// workspace: PLACES * 4 registers
template <class R>
void convolve_gradient(const convolution &c, const R *x, const R *dz, R *dkernel, bool add,
                       R *workspace) {
    each_area(c, [&](int64_t p, int64_t rows, int64_t q, int64_t places) {
        const R *d = dz + (p * c.Q + q) * c.O, *begin = x + p * c.row_step() + q * c.step();
        const bool adds = add || p > 0 || q > 0;
        strips<R>(0, c.O, false, true, [&](int64_t j, int registers, int64_t columns) {
            const int64_t width = registers * LANES<R>;
            const bool copied = columns < width; // else the last register would read too far
            if (copied) pack_rows(d + j, c.O, rows * places, columns, width, workspace);
            const R *b = copied ? workspace : d + j;
            const int64_t ldb = copied ? width : c.O;
            tile<R> t = {places, nullptr, c.step(), b, ldb, b + PANEL<R>, ldb, nullptr, c.O,
                         columns - (registers - 1) * LANES<R>, adds, nullptr,
                         activation::number_linear, rows, c.row_step() - places * c.step()};
            each_group(c, INT64_MAX / 2, [&](tap_runs g) {
                for (int64_t run = 0; run < g.runs; run++)
                    row_blocks(g.length, row_limit(registers), [&](int64_t i, int block) {
                        t.a = begin + g.from + run * g.distance + i;
                        t.c = dkernel + (g.k + run * g.length + i) * c.O + j;
                        TILES<R, true>.run[block][registers](t);
                    });
            });
        });
    });
}

// dx (Y,X,C), not padded, of windows with strides: what each window takes is a row of dz times the
// kernel^T, packed in panels, and is added where the window lies; top, left: pads in front of x.
// workspace: PLACES * depth
template <class R>
void convolve_back(const convolution &c, int64_t top, int64_t left, const R *dz, const R *panels,
                   R *dx, R *workspace) {
    const int64_t K = c.depth();
    memset(dx, 0, c.Y * c.X * c.C * sizeof(R));
    const auto add_window = [&](int64_t p, int64_t q, const R *d) {
        for (int64_t v = 0; v < c.V; v++)
            for (int64_t u = 0; u < c.U; u++, d += c.C) {
                const int64_t y = p * c.SY + v * c.DY - top, x = q * c.SX + u * c.DX - left;
                if (y < 0 || y >= c.Y || x < 0 || x >= c.X) continue;
                R *to = dx + (y * c.X + x) * c.C;
                each_register<R>(c.C, [&](int64_t i, int64_t part) {
                    put<R>(to + i, take<R>(to + i, part) + take<R>(d + i, part), part);
                });
            }
    };
    for (int64_t p = 0; p < c.P; p++)
        pieces(c.Q, PLACES, [&](int64_t q, int64_t places) {
            gemm_panels<R>(places, K, c.O, dz + (p * c.Q + q) * c.O, c.O, panels, workspace, K,
                           false, nullptr, activation::number_linear);
            for (int64_t i = 0; i < places; i++) add_window(p, q + i, workspace + i * K);
        });
}

// All panels of the kernel as the gradient of x meets it: the window turned round, (V,U,O,C).
template <class R>
void pack_turned(const R *kernel, int64_t taps, int64_t C, int64_t O, R *out) {
    strips<R>(0, C, false, false, [&](int64_t j, int registers, int64_t columns) {
        const int64_t width = registers * LANES<R>;
        R *panel = out + j * taps * O;
        for (int64_t t = taps; t > 0; t--, panel += O * width)
            pack_strip(kernel + ((t - 1) * C + j) * O, 1, O, O, columns, width, panel);
    });
}

} // namespace RESPNET_LEVEL
