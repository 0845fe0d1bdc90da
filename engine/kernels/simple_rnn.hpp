// SimpleRNN over whole sequences: y holds the sums of x, and becomes the states.
#pragma once

#include "recurrent.hpp"

namespace RESPNET_LEVEL {

template <class R> static void simple_rnn_run(const sequence<R> &q, int activation, bool wide) {
    const int64_t H = q.H, apart_rows = q.T * H;
    R *now = q.scratch; // (B, apart(H)): h times factor
    copy_state(q.rows, H, q.h0, q.factor, now);
    for (int64_t t = 0; t < q.T; t++) {
        R *y = q.y + t * H;
        add_rows<R>(q.rows, H, H, now, apart(H), q.h_panels, y, apart_rows, nullptr, activation,
                    wide);
        for (int64_t b = 0; b < q.rows; b++) {
            const R *before = q.before(b, t, now);
            each_register<R>(H, [&](int64_t u, int64_t part) {
                const R *h = q.masked(b, t) ? before : y + b * apart_rows;
                q.keep_state(b, t, u, part, load_or_zero(h, u, part), now);
            });
        }
    }
}

template <class R> static void simple_rnn_run_back(const sequence_gradient<R> &q, int activation) {
    const int64_t H = q.H;
    R *sums = q.rest; // (B, apart(H)): gradients of the sums
    for (int64_t t = q.T - 1; t >= 0; t--) {
        with_activation(activation, [&](auto act) {
            for (int64_t b = 0; b < q.rows; b++)
                each_register<R>(H, [&](int64_t u, int64_t part) {
                    const int64_t place = (b * q.T + t) * H + u;
                    const vec<R> d = q.entering(b, t, u, part), y = load_units(q.y + place, part);
                    const bool masked = q.masked(b, t);
                    const vec<R> dz = masked ? vec<R>{} : decltype(act)::backward(y, y, d);
                    store_units(q.gates + place, dz, part);
                    store_units(sums + b * apart(H) + u, dz, part);
                    q.carry(b, u, part, masked ? d : vec<R>{});
                });
        });
        if (t || q.dh0)
            gemm_panels<R>(q.rows, H, H, sums, apart(H), q.transposed, q.product, apart(H), false,
                           nullptr, activation::number_linear);
    }
    q.finish();
}

} // namespace RESPNET_LEVEL
