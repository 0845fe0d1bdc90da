// LSTM over whole sequences. Gates i, f, c, o; peephole rows i, f, o (see engine/layers/lstm.py).
#pragma once

#include "recurrent.hpp"

namespace RESPNET_LEVEL {

template <class R> struct lstm_sequence : sequence<R> {
    const R *peephole, *c0;
    R *cells;
    R *c, *now, *next; // (B, apart(H)): cells; h times factor before and after a step

    lstm_sequence(const respnet_step *s, respnet_frame *f)
        : sequence<R>(s, f), peephole(at<R>(s, f, 11)), c0(at<R>(s, f, 12)),
          cells(at<R>(s, f, 13)), c(this->scratch), now(c + this->rows * apart(this->H)),
          next(now + this->rows * apart(this->H)) {}
};

// The cell of one row and one register of units, from the sums of its gates.
template <class R, class A>
RESPNET_INLINE void lstm_cell(const lstm_sequence<R> &q, const A &act, int64_t b, int64_t t,
                              int64_t u, int64_t part, const vec<R> *sum) {
    typedef vec<R> V;
    const int64_t H = q.H, bt = b * q.T + t;
    V before = load_units(q.c + b * apart(H) + u, part);
    const auto peep = [&](int row, V z, V c) {
        return q.peephole ? multiply_add(load_units(q.peephole + row * H + u, part), c, z) : z;
    };
    const V i = act.gate(peep(0, sum[0], before)), f = act.gate(peep(1, sum[1], before));
    const V g = act.cell(sum[2]);
    V c = multiply_add(f, before, i * g);
    const V o = act.gate(peep(2, sum[3], c));
    V h = o * act.cell(c);
    if (q.masked(b, t)) {
        h = load_or_zero(q.before(b, t, q.now), u, part);
        c = before;
    }
    store_units(q.c + b * apart(H) + u, c, part);
    q.keep_state(b, t, u, part, h, q.next);
    if (q.cells) store_units(q.cells + bt * H + u, c, part);
    if (!q.gates) return;
    R *gates = q.gates + bt * 4 * H + u;
    store_units(gates, i, part);
    store_units(gates + H, f, part);
    store_units(gates + 2 * H, g, part);
    store_units(gates + 3 * H, o, part);
}

// One step of ROWS rows and one register of units.
template <class R, class A, int ROWS>
__attribute__((noinline)) void lstm_tile(const lstm_sequence<R> &job, const A &act, int64_t row,
                                         int64_t t, int64_t u, int64_t part) {
    typedef vec<R> V;
    const lstm_sequence<R> q = job; // a copy, so that stores cannot change it
    const int64_t H = q.H;
    V c[ROWS][4];
    RESPNET_UNROLL for (int i = 0; i < ROWS; i++) RESPNET_UNROLL for (int g = 0; g < 4; g++) {
        const R *sums = q.sums ? q.sums + ((row + i) * q.T + t) * q.ld_sums : q.bias;
        c[i][g] = load_or_zero(sums, g * H + u, part);
    }
    if (q.x)
        add_product<R, ROWS, 4, 3>(q.I, q.x + (row * q.T + t) * q.I, q.T * q.I,
                                   q.x_panels + u * q.I * 4,
                                   to_next_panel(row, q.turn + t, q.I * 4 * LANES<R>), c);
    add_product<R, ROWS, 4, 3>(H, q.now + row * apart(H), apart(H), q.h_panels + u * H * 4,
                               to_next_panel(row, q.turn + t, H * 4 * LANES<R>), c);
    V sums[ROWS][4]; // in memory, so that c itself stays in registers
    memcpy(sums, c, sizeof c);
    for (int i = 0; i < ROWS; i++) lstm_cell(q, act, row + i, t, u, part, sums[i]);
}

// The same for few units.
template <class R, class A, int JOINED>
__attribute__((noinline)) void lstm_few(const lstm_sequence<R> &q, const A &act, int64_t row,
                                        int rows, int64_t t, int64_t u, int64_t part) {
    const int64_t H = q.H;
    vec<R> c[CELL_ROWS][4];
    for (int i = 0; i < rows; i++) {
        const R *sums = q.sums ? q.sums + ((row + i) * q.T + t) * q.ld_sums : q.bias;
        for (int g = 0; g < 4; g++) c[i][g] = load_or_zero(sums, g * H + u, part);
    }
    if (q.x)
        add_product_of_few<R, 4, 3, JOINED>(rows, q.I, q.x + (row * q.T + t) * q.I, q.T * q.I,
                                            q.x_panels + u * q.I * 4, c);
    add_product_of_few<R, 4, 3, JOINED>(rows, H, q.now + row * apart(H), apart(H),
                                        q.h_panels + u * H * 4, c);
    for (int i = 0; i < rows; i++) lstm_cell(q, act, row + i, t, u, part, c[i]);
}

template <class R, class A> static void lstm_run(lstm_sequence<R> q, const A &act) {
    copy_state(q.rows, q.H, q.c0, (const R *)nullptr, q.c);
    copy_state(q.rows, q.H, q.h0, q.factor, q.now);
    for (int64_t t = 0; t < q.T; t++) {
        each_register_in_turn<R>(q.turn + t, q.H, [&](int64_t u, int64_t part) {
            row_blocks(q.rows, CELL_ROWS, [&](int64_t row, int rows) {
                const bool few = if_joined<R>(part, [&](auto joined) {
                    lstm_few<R, A, decltype(joined)::value>(q, act, row, rows, t, u, part);
                });
                if (few) return;
                with_rows(rows, [&](auto n) {
                    lstm_tile<R, A, decltype(n)::value>(q, act, row, t, u, part);
                });
            });
        });
        R *last = q.now;
        q.now = q.next;
        q.next = last;
    }
}

// ------------------------------------------------------------------------------------- backward

template <class R> struct lstm_gradient : sequence_gradient<R> {
    const R *peephole, *c0, *cells, *dc_last;
    R *dc0, *dpeephole;
    bool add;       // to dpeephole
    R *dc, *sums;   // (B, apart(H)), (B, apart(4H)): gradients of cells and of the sums

    lstm_gradient(const respnet_step *s, const respnet_frame *f)
        : sequence_gradient<R>(s, f), peephole(at<R>(s, f, 10)), c0(at<R>(s, f, 11)),
          cells(at<R>(s, f, 12)), dc_last(at<R>(s, f, 13)), dc0(at<R>(s, f, 14)),
          dpeephole(at<R>(s, f, 15)), add(f->accumulate || s->dim[4]), dc(this->rest),
          sums(dc + this->rows * apart(this->H)) {}

    const R *cell_before(int64_t b, int64_t t) const {
        return t ? cells + (b * this->T + t - 1) * this->H : c0 ? c0 + b * this->H : nullptr;
    }
};

// Gradients of the sums of one row and one register of units, at one step.
template <class R, class A>
RESPNET_INLINE void lstm_cell_backward(const lstm_gradient<R> &q, const A &act, int64_t b,
                                       int64_t t, int64_t u, int64_t part) {
    typedef vec<R> V;
    const int64_t H = q.H, bt = b * q.T + t;
    R *gates = q.gates + bt * 4 * H + u, *sums = q.sums + b * apart(4 * H) + u;
    R *dc = q.dc + b * apart(H) + u;
    const auto put_gate = [&](int g, V d) {
        store_units(gates + g * H, d, part);
        store_units(sums + g * H, d, part);
    };
    const V d = q.entering(b, t, u, part);
    if (q.masked(b, t)) {
        for (int g = 0; g < 4; g++) put_gate(g, V{});
        return q.carry(b, u, part, d);
    }
    const V i = load_units(gates, part), f = load_units(gates + H, part);
    const V g = load_units(gates + 2 * H, part), o = load_units(gates + 3 * H, part);
    const V a = act.cell(load_units(q.cells + bt * H + u, part));
    const V d_o = act.gate_slope(o, d * a);
    V through = act.cell_slope(a, d * o);
    keep(through); // or the sum below is fused with it, or not: levels would give other bits
    V dn = load_units(dc, part) + through;
    if (q.peephole) dn = multiply_add(d_o, load_units(q.peephole + 2 * H + u, part), dn);
    const V d_i = act.gate_slope(i, dn * g);
    const V d_f = act.gate_slope(f, dn * load_or_zero(q.cell_before(b, t), u, part));
    put_gate(0, d_i);
    put_gate(1, d_f);
    put_gate(2, act.cell_slope(g, dn * i));
    put_gate(3, d_o);
    dn *= f;
    if (q.peephole) {
        dn = multiply_add(d_i, load_units(q.peephole + u, part), dn);
        dn = multiply_add(d_f, load_units(q.peephole + H + u, part), dn);
    }
    store_units(dc, dn, part);
    q.carry(b, u, part, V{});
}

// dpeephole: sums over rows and steps of the gradients of i, f, o times the cells they see.
template <class R> static void lstm_peephole_backward(const lstm_gradient<R> &q) {
    const int64_t H = q.H;
    each_register<R>(H, [&](int64_t u, int64_t part) {
        vec<R> sum[3];
        for (int g = 0; g < 3; g++)
            sum[g] = q.add ? load_units(q.dpeephole + g * H + u, part) : vec<R>{};
        for (int64_t b = 0; b < q.rows; b++)
            for (int64_t t = 0; t < q.T; t++) {
                const R *d = q.gates + (b * q.T + t) * 4 * H + u;
                const vec<R> before = load_or_zero(q.cell_before(b, t), u, part);
                const vec<R> after = load_units(q.cells + (b * q.T + t) * H + u, part);
                sum[0] = multiply_add(load_units(d, part), before, sum[0]);
                sum[1] = multiply_add(load_units(d + H, part), before, sum[1]);
                sum[2] = multiply_add(load_units(d + 3 * H, part), after, sum[2]);
            }
        for (int g = 0; g < 3; g++) store_units(q.dpeephole + g * H + u, sum[g], part);
    });
}

template <class R, class A> static void lstm_run_back(const lstm_gradient<R> &q, const A &act) {
    const int64_t H = q.H;
    copy_state(q.rows, H, q.dc_last, (const R *)nullptr, q.dc);
    for (int64_t t = q.T - 1; t >= 0; t--) {
        for (int64_t b = 0; b < q.rows; b++)
            each_register<R>(H, [&](int64_t u, int64_t part) {
                lstm_cell_backward(q, act, b, t, u, part);
            });
        if (t || q.dh0)
            multiply_in_turn<R>(t, q.rows, H, 4 * H, q.sums, apart(4 * H), q.transposed, q.product,
                                apart(H));
    }
    q.finish();
    if (q.dpeephole) lstm_peephole_backward(q);
    if (q.dc0)
        for (int64_t b = 0; b < q.rows; b++)
            memcpy(q.dc0 + b * H, q.dc + b * apart(H), H * sizeof(R));
}

} // namespace RESPNET_LEVEL
