// The recurrent ops as steps. lowering_recurrent.py emits them; x kernel + bias of all steps may be
// made beforehand (project), and the gradients of the weights follow as products over all B*T rows.
//
// forward:  0 x?, 1 packed kernel?, 2 sums?, 3 packed recurrent kernel, 4 bias?, 5 h0?, 6 mask?,
//           7 factor?, 8 y, 9 gates?, 10 scratch; lstm: 11 peephole?, 12 c0?, 13 cells?;
//           gru: 11 recurrent bias?, 12 packed recurrent kernel of the candidate?
//           dims: 0 I, 1 H, 2 activation, 3 recurrent activation, 4 ld of sums, 5 packed wide
// backward: 0 packed recurrent kernel^T, 1 h0?, 2 mask?, 3 factor?, 4 y, 5 gates, 6 dy?, 7 dh?,
//           8 dh0?, 9 scratch; lstm: 10 peephole?, 11 c0?, 12 cells, 13 dc?, 14 dc0?, 15 dpeephole?
//           gru: 10 packed recurrent kernel^T of the candidate?
//           dims: 1 H, 2 activation, 3 recurrent activation, 4 add to dpeephole
// The last dim is T.
#pragma once

#include "gru.hpp"
#include "lstm.hpp"
#include "simple_rnn.hpp"

namespace RESPNET_LEVEL {

template <class R> static void lstm_forward_rows(const respnet_step *s, respnet_frame *f) {
    with_cell<R>(s->dim[2], s->dim[3], [&](auto act) { lstm_run(lstm_sequence<R>(s, f), act); });
}
template <class R> static void lstm_backward_rows(const respnet_step *s, respnet_frame *f) {
    with_cell<R>(s->dim[2], s->dim[3],
                 [&](auto act) { lstm_run_back(lstm_gradient<R>(s, f), act); });
}

template <class R> static void gru_forward_rows(const respnet_step *s, respnet_frame *f) {
    with_cell<R>(s->dim[2], s->dim[3],
                 [&](auto act) { gru_run_after(gru_sequence<R>(s, f), act); });
}
template <class R> static void gru_forward_before_rows(const respnet_step *s, respnet_frame *f) {
    gru_run(gru_sequence<R>(s, f), gru_step_before<R>);
}
template <class R> static void gru_backward_rows(const respnet_step *s, respnet_frame *f) {
    with_cell<R>(s->dim[2], s->dim[3],
                 [&](auto act) { gru_run_back(gru_gradient<R>(s, f), act, s->space[10] < 0); });
}

template <class R> static void simple_rnn_forward_rows(const respnet_step *s, respnet_frame *f) {
    simple_rnn_run(sequence<R>(s, f), (int)s->dim[2], s->dim[5] != 0);
}
template <class R> static void simple_rnn_backward_rows(const respnet_step *s, respnet_frame *f) {
    simple_rnn_run_back(sequence_gradient<R>(s, f), (int)s->dim[2]);
}

// x (B,T,I), packed kernel, bias? -> sums (B,T,ld): dims 0 I, 1 columns, 2 ld
template <class R> static void project_rows(const respnet_step *s, respnet_frame *f) {
    gemm_panels<R>(rows_of(s, f), s->dim[1], s->dim[0], at<R>(s, f, 0), s->dim[0], at<R>(s, f, 1),
                   at<R>(s, f, 3), s->dim[2], false, at<R>(s, f, 2), activation::number_linear);
}

// y (B,T,H), h0?, factor? -> the states before each step, times factor
template <class R> static void states_before_rows(const respnet_step *s, respnet_frame *f) {
    const int64_t H = s->dim[1], T = s->dim[MAX_DIMS - 1];
    const R *y = at<R>(s, f, 0), *h0 = at<R>(s, f, 1), *factor = at<R>(s, f, 2);
    R *out = at<R>(s, f, 3);
    for (int64_t b = 0; b < f->rows; b++)
        for (int64_t t = 0; t < T; t++) {
            const R *h = t ? y + (b * T + t - 1) * H : h0 ? h0 + b * H : nullptr;
            each_register<R>(H, [&](int64_t u, int64_t part) {
                vec<R> v = load_or_zero(h, u, part);
                if (factor) v *= load_units(factor + b * H + u, part);
                store_units(out + (b * T + t) * H + u, v, part);
            });
        }
}

// Columns of a product a kernel: a (B*T,K), d (B*T,N) -> dkernel? (K,N), dbias? (N); and with
// 2 the packed kernel^T, 3 da (B*T,K). 6 is the workspace of gemm_tn.
// dims: 0 K, 1 N, 2 always add, 3 ld of a, 4 its first column, 5 ld of d, 6 its first column,
// 7 ld of dkernel, 8 its first column
template <class R> static void columns_backward_rows(const respnet_step *s, respnet_frame *f) {
    const int64_t *dim = s->dim, K = dim[0], N = dim[1], rows = rows_of(s, f);
    const R *a = at<R>(s, f, 0) + dim[4], *d = at<R>(s, f, 1) + dim[6];
    R *da = at<R>(s, f, 3), *dkernel = at<R>(s, f, 4), *dbias = at<R>(s, f, 5);
    const bool add = f->accumulate || dim[2];
    if (dkernel)
        gemm_tn<R>(K, N, rows, a, dim[3], d, dim[5], dkernel + dim[8], dim[7], add,
                   at<R>(s, f, 6));
    if (dbias) column_sums<R>(rows, N, d, dim[5], dbias + dim[8], add);
    if (da)
        gemm_panels<R>(rows, K, N, d, dim[5], at<R>(s, f, 2), da, K, false, nullptr,
                       activation::number_linear);
}

// Packs of columns of a kernel: dims 0 K, 1 columns, 2 ld, 3 the first column; or 1 H, 2 gates
template <class R> static void pack_gates_kernel(const respnet_step *s, respnet_frame *f) {
    pack_gates<R>(at<R>(s, f, 0), s->dim[0], s->dim[1], s->dim[2], at<R>(s, f, 1));
}
template <class R> static void pack_columns_panels(const respnet_step *s, respnet_frame *f) {
    pack_panels<R>(at<R>(s, f, 0) + s->dim[3], s->dim[2], 1, s->dim[0], s->dim[1], at<R>(s, f, 1));
}
template <class R> static void pack_columns_transposed(const respnet_step *s, respnet_frame *f) {
    pack_panels<R>(at<R>(s, f, 0) + s->dim[3], 1, s->dim[2], s->dim[1], s->dim[0], at<R>(s, f, 1));
}
template <class R> static void pack_columns_wide(const respnet_step *s, respnet_frame *f) {
    pack_wide<R>(at<R>(s, f, 0) + s->dim[3], s->dim[2], 1, s->dim[0], s->dim[1], at<R>(s, f, 1));
}

} // namespace RESPNET_LEVEL
