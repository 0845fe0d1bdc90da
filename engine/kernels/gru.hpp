// GRU over whole sequences. Gates z, r, h; `gates` keep z, r, candidate and a fourth:
// what the reset gate multiplies (reset after the product), or the product of both (before).
#pragma once

#include "recurrent.hpp"

namespace RESPNET_LEVEL {

template <class R> struct gru_sequence : sequence<R> {
    const R *recurrent_bias, *candidate_panels; // the second for reset before the product
    int gate, cell;
    bool wide;
    R *now, *next, *reset; // (B, apart(H)): h times factor before and after a step, r h

    gru_sequence(const respnet_step *s, respnet_frame *f)
        : sequence<R>(s, f), recurrent_bias(at<R>(s, f, 11)), candidate_panels(at<R>(s, f, 12)),
          gate((int)s->dim[3]), cell((int)s->dim[2]), wide(s->dim[5] != 0), now(this->scratch),
          next(now + this->rows * apart(this->H)), reset(next + this->rows * apart(this->H)) {}
};

// h of one row and one register of units from its gates, and where it goes.
template <class R>
RESPNET_INLINE void gru_blend(const gru_sequence<R> &q, int64_t b, int64_t t, int64_t u,
                              int64_t part, vec<R> z, vec<R> candidate) {
    const vec<R> before = load_or_zero(q.before(b, t, q.now), u, part);
    const vec<R> h = multiply_add(z, before - candidate, candidate);
    q.keep_state(b, t, u, part, q.masked(b, t) ? before : h, q.next);
}

template <class R, class A>
RESPNET_INLINE void gru_cell(const gru_sequence<R> &q, const A &act, int64_t b, int64_t t,
                             int64_t u, int64_t part, const vec<R> *sum) {
    const int64_t H = q.H;
    const vec<R> z = act.gate(sum[0]), r = act.gate(sum[1]);
    const vec<R> candidate = act.cell(multiply_add(r, sum[3], sum[2]));
    gru_blend(q, b, t, u, part, z, candidate);
    if (!q.gates) return;
    R *gates = q.gates + (b * q.T + t) * 4 * H + u;
    store_units(gates, z, part);
    store_units(gates + H, r, part);
    store_units(gates + 2 * H, candidate, part);
    store_units(gates + 3 * H, sum[3], part);
}

// One step of ROWS rows and one register of units, reset after the product.
template <class R, class A, int ROWS>
__attribute__((noinline)) void gru_tile(const gru_sequence<R> &job, const A &act, int64_t row,
                                        int64_t t, int64_t u, int64_t part) {
    typedef vec<R> V;
    const gru_sequence<R> q = job; // a copy, so that stores cannot change it
    const int64_t H = q.H;
    V c[ROWS][4], further[3];
    RESPNET_UNROLL for (int g = 0; g < 3; g++) further[g] =
        load_or_zero(q.recurrent_bias, g * H + u, part);
    RESPNET_UNROLL for (int i = 0; i < ROWS; i++) {
        const R *sums = q.sums ? q.sums + ((row + i) * q.T + t) * q.ld_sums : q.bias;
        c[i][0] = load_or_zero(sums, u, part) + further[0];
        c[i][1] = load_or_zero(sums, H + u, part) + further[1];
        c[i][2] = load_or_zero(sums, 2 * H + u, part);
        c[i][3] = further[2];
    }
    if (q.x)
        add_product<R, ROWS, 3, 2>(q.I, q.x + (row * q.T + t) * q.I, q.T * q.I,
                                   q.x_panels + u * q.I * 3,
                                   to_next_panel(row, q.turn + t, q.I * 3 * LANES<R>), c);
    add_product<R, ROWS, 3, 3>(H, q.now + row * apart(H), apart(H), q.h_panels + u * H * 3,
                               to_next_panel(row, q.turn + t, H * 3 * LANES<R>), c);
    V sums[ROWS][4]; // in memory, so that c itself stays in registers
    memcpy(sums, c, sizeof c);
    for (int i = 0; i < ROWS; i++) gru_cell(q, act, row + i, t, u, part, sums[i]);
}

// The same for few units.
template <class R, class A, int JOINED>
__attribute__((noinline)) void gru_few(const gru_sequence<R> &q, const A &act, int64_t row,
                                       int rows, int64_t t, int64_t u, int64_t part) {
    const int64_t H = q.H;
    vec<R> c[CELL_ROWS][4], further[3];
    for (int g = 0; g < 3; g++) further[g] = load_or_zero(q.recurrent_bias, g * H + u, part);
    for (int i = 0; i < rows; i++) {
        const R *sums = q.sums ? q.sums + ((row + i) * q.T + t) * q.ld_sums : q.bias;
        c[i][0] = load_or_zero(sums, u, part) + further[0];
        c[i][1] = load_or_zero(sums, H + u, part) + further[1];
        c[i][2] = load_or_zero(sums, 2 * H + u, part);
        c[i][3] = further[2];
    }
    if (q.x)
        add_product_of_few<R, 3, 2, JOINED>(rows, q.I, q.x + (row * q.T + t) * q.I, q.T * q.I,
                                            q.x_panels + u * q.I * 3, c);
    add_product_of_few<R, 3, 3, JOINED>(rows, H, q.now + row * apart(H), apart(H),
                                        q.h_panels + u * H * 3, c);
    for (int i = 0; i < rows; i++) gru_cell(q, act, row + i, t, u, part, c[i]);
}

// One step with reset before the product: gates hold the sums of x, and take what follows.
template <class R> static void gru_step_before(const gru_sequence<R> &q, int64_t t) {
    const int64_t H = q.H, apart_rows = q.T * 4 * H;
    R *gates = q.gates + t * 4 * H;
    const R *bias = q.recurrent_bias;
    add_rows<R>(q.rows, 2 * H, H, q.now, apart(H), q.h_panels, gates, apart_rows, bias, q.gate,
                q.wide);
    for (int64_t b = 0; b < q.rows; b++)
        each_register<R>(H, [&](int64_t u, int64_t part) {
            R *row = gates + b * apart_rows + u;
            const vec<R> v = load_units(row + H, part) * load_units(q.now + b * apart(H) + u, part);
            store_units(row + 3 * H, v, part);
            store_units(q.reset + b * apart(H) + u, v, part);
        });
    add_rows<R>(q.rows, H, H, q.reset, apart(H), q.candidate_panels, gates + 2 * H, apart_rows,
                bias ? bias + 2 * H : bias, q.cell, q.wide);
    for (int64_t b = 0; b < q.rows; b++)
        each_register<R>(H, [&](int64_t u, int64_t part) {
            const R *row = gates + b * apart_rows + u;
            gru_blend(q, b, t, u, part, load_units(row, part), load_units(row + 2 * H, part));
        });
}

template <class R, class Step> static void gru_run(gru_sequence<R> q, Step step) {
    copy_state(q.rows, q.H, q.h0, q.factor, q.now);
    for (int64_t t = 0; t < q.T; t++) {
        step(q, t);
        R *last = q.now;
        q.now = q.next;
        q.next = last;
    }
}

template <class R, class A> static void gru_run_after(const gru_sequence<R> &all, const A &act) {
    gru_run(all, [&](const gru_sequence<R> &q, int64_t t) {
        each_register_in_turn<R>(q.turn + t, q.H, [&](int64_t u, int64_t part) {
            row_blocks(q.rows, CELL_ROWS, [&](int64_t row, int rows) {
                const bool few = if_joined<R>(part, [&](auto joined) {
                    gru_few<R, A, decltype(joined)::value>(q, act, row, rows, t, u, part);
                });
                if (few) return;
                with_rows(rows, [&](auto n) {
                    gru_tile<R, A, decltype(n)::value>(q, act, row, t, u, part);
                });
            });
        });
    });
}

// ------------------------------------------------------------------------------------- backward

template <class R> struct gru_gradient : sequence_gradient<R> {
    const R *candidate_transposed; // of reset before the product; transposed is of z, r then
    R *sums;                       // (B, apart(3H)): gradients of the recurrent sums

    gru_gradient(const respnet_step *s, const respnet_frame *f)
        : sequence_gradient<R>(s, f), candidate_transposed(at<R>(s, f, 10)), sums(this->rest) {}
    R *gates_of(int64_t b, int64_t t) const {
        return this->gates + (b * this->T + t) * 4 * this->H;
    }
    void multiply(int64_t K, const R *A, const R *panels, bool add) const {
        gemm_panels<R>(this->rows, this->H, K, A, apart(3 * this->H), panels, this->product,
                       apart(this->H), add, nullptr, activation::number_linear);
    }
};

// Gradients of z and of the candidate; what passes by them is carried. -> gradient of the candidate
template <class R, class A>
RESPNET_INLINE vec<R> gru_unblend(const gru_gradient<R> &q, const A &act, int64_t b, int64_t t,
                                  int64_t u, int64_t part) {
    typedef vec<R> V;
    const int64_t H = q.H;
    R *gates = q.gates_of(b, t) + u, *sums = q.sums + b * apart(3 * H) + u;
    const V d = q.entering(b, t, u, part);
    const bool masked = q.masked(b, t);
    const V z = load_units(gates, part), candidate = load_units(gates + 2 * H, part);
    const V before = load_or_zero(q.before(b, t), u, part);
    const V dz = masked ? V{} : act.gate_slope(z, d * (before - candidate));
    const V dn = masked ? V{} : act.cell_slope(candidate, d * (splat<V>(1) - z));
    store_units(gates, dz, part);
    store_units(sums, dz, part);
    store_units(gates + 2 * H, dn, part);
    q.carry(b, u, part, masked ? d : d * z);
    return dn;
}

template <class R, class A>
RESPNET_INLINE void gru_cell_backward(const gru_gradient<R> &q, const A &act, int64_t b, int64_t t,
                                      int64_t u, int64_t part) {
    const int64_t H = q.H;
    R *gates = q.gates_of(b, t) + u, *sums = q.sums + b * apart(3 * H) + u;
    const vec<R> r = load_units(gates + H, part), dn = gru_unblend(q, act, b, t, u, part);
    const vec<R> dr = act.gate_slope(r, dn * load_units(gates + 3 * H, part)), dnr = dn * r;
    store_units(gates + H, dr, part);
    store_units(sums + H, dr, part);
    store_units(gates + 3 * H, dnr, part);
    store_units(sums + 2 * H, dnr, part);
}

// r h was multiplied: its gradient is in `product`; r's goes to the gates, h's stays there.
template <class R, class A>
RESPNET_INLINE void gru_reset_backward(const gru_gradient<R> &q, const A &act, int64_t b, int64_t t,
                                       int64_t u, int64_t part) {
    const int64_t H = q.H;
    R *gates = q.gates_of(b, t) + u;
    const vec<R> r = load_units(gates + H, part), d = q.past_product(b, u, part);
    const vec<R> h = load_or_zero(q.before(b, t), u, part) * q.factor_of(b, u, part);
    const vec<R> dr = act.gate_slope(r, d * h);
    store_units(gates + H, dr, part);
    store_units(q.sums + b * apart(3 * H) + H + u, dr, part);
    store_units(q.product + b * apart(H) + u, d * r, part);
}

template <class R, class F> RESPNET_INLINE void each_unit(const gru_gradient<R> &q, F f) {
    for (int64_t b = 0; b < q.rows; b++)
        each_register<R>(q.H, [&](int64_t u, int64_t part) { f(b, u, part); });
}

template <class R, class A>
static void gru_run_back(const gru_gradient<R> &q, const A &act, bool reset_after) {
    const int64_t H = q.H;
    for (int64_t t = q.T - 1; t >= 0; t--) {
        if (reset_after) {
            each_unit(q, [&](int64_t b, int64_t u, int64_t part) {
                gru_cell_backward(q, act, b, t, u, part);
            });
            if (t || q.dh0)
                multiply_in_turn<R>(t, q.rows, H, 3 * H, q.sums, apart(3 * H), q.transposed,
                                    q.product, apart(H));
            continue;
        }
        each_unit(q, [&](int64_t b, int64_t u, int64_t part) {
            const vec<R> dn = gru_unblend(q, act, b, t, u, part);
            store_units(q.sums + b * apart(3 * H) + 2 * H + u, dn, part);
        });
        q.multiply(H, q.sums + 2 * H, q.candidate_transposed, false);
        each_unit(q, [&](int64_t b, int64_t u, int64_t part) {
            gru_reset_backward(q, act, b, t, u, part);
        });
        q.multiply(2 * H, q.sums, q.transposed, true);
    }
    q.finish();
}

} // namespace RESPNET_LEVEL
