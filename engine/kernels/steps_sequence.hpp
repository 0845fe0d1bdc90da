// Steps over sequences that multiply no matrices: embeddings, masks, moves in time.
//
// A row of the batch is (T,N) contiguous. dims: 0 N, 1 T, and what each names besides.
#pragma once

#include "steps_dropout.hpp"

namespace RESPNET_LEVEL {

// f(row of the batch, step): all of them in order.
template <class F> RESPNET_INLINE void each_step(int64_t rows, int64_t T, F f) {
    for (int64_t b = 0; b < rows; b++)
        for (int64_t t = 0; t < T; t++) f(b, t);
}

// x (B,T), table (V,N) -> y (B,T,N); dim 2 V. A number outside 0 .. V-1 makes the run a fault.
template <class R> static void embedding_forward_rows(const respnet_step *s, respnet_frame *f) {
    const int64_t N = s->dim[0], T = s->dim[1], V = s->dim[2];
    const R *x = at<R>(s, f, 0), *table = at<R>(s, f, 1);
    R *y = at<R>(s, f, 2);
    for (int64_t i = 0; i < f->rows * T; i++) {
        const bool known = x[i] >= 0 && x[i] < (R)V;
        if (!known) {
            f->fault = FAULT_EMBEDDING;
            f->fault_value = (double)x[i];
            f->fault_limit = (double)V - 1;
        }
        memcpy(y + i * N, table + (known ? (int64_t)x[i] : 0) * N, N * sizeof(R));
    }
}

// x (B,T), dy (B,T,N) -> dtable (V,N); dim 2 V, 3 always add
template <class R> static void embedding_backward_rows(const respnet_step *s, respnet_frame *f) {
    const int64_t N = s->dim[0], T = s->dim[1], V = s->dim[2];
    const R *x = at<R>(s, f, 0), *dy = at<R>(s, f, 1);
    R *dtable = at<R>(s, f, 2);
    if (!f->accumulate && !s->dim[3]) memset(dtable, 0, V * N * sizeof(R));
    for (int64_t i = 0; i < f->rows * T; i++) {
        if (!(x[i] >= 0 && x[i] < (R)V)) continue;
        R *row = dtable + (int64_t)x[i] * N;
        for (int64_t n = 0; n < N; n++) row[n] += dy[i * N + n];
    }
}

// x (B,T,N) -> y (B,T,N)
template <class R> static void reverse_time_rows(const respnet_step *s, respnet_frame *f) {
    const int64_t N = s->dim[0], T = s->dim[1];
    const R *x = at<R>(s, f, 0);
    R *y = at<R>(s, f, 1);
    each_step(f->rows, T, [&](int64_t b, int64_t t) {
        memcpy(y + (b * T + t) * N, x + (b * T + T - 1 - t) * N, N * sizeof(R));
    });
}

// y (B,T,N) -> h (B,N)
template <class R> static void last_step_rows(const respnet_step *s, respnet_frame *f) {
    const int64_t N = s->dim[0], T = s->dim[1];
    const R *y = at<R>(s, f, 0);
    R *h = at<R>(s, f, 1);
    for (int64_t b = 0; b < f->rows; b++)
        memcpy(h + b * N, y + (b * T + T - 1) * N, N * sizeof(R));
}

// dh (B,N) -> dy (B,T,N)
template <class R> static void last_step_backward_rows(const respnet_step *s, respnet_frame *f) {
    const int64_t N = s->dim[0], T = s->dim[1];
    const R *dh = at<R>(s, f, 0);
    R *dy = at<R>(s, f, 1);
    memset(dy, 0, f->rows * T * N * sizeof(R));
    for (int64_t b = 0; b < f->rows; b++)
        memcpy(dy + (b * T + T - 1) * N, dh + b * N, N * sizeof(R));
}

// x (B,N) -> y (B,T,N)
template <class R> static void repeat_vector_rows(const respnet_step *s, respnet_frame *f) {
    const int64_t N = s->dim[0], T = s->dim[1];
    const R *x = at<R>(s, f, 0);
    R *y = at<R>(s, f, 1);
    each_step(f->rows, T, [&](int64_t b, int64_t t) {
        memcpy(y + (b * T + t) * N, x + b * N, N * sizeof(R));
    });
}

// dy (B,T,N) -> dx (B,N)
template <class R> static void repeat_vector_backward_rows(const respnet_step *s,
                                                           respnet_frame *f) {
    const int64_t N = s->dim[0], T = s->dim[1];
    const R *dy = at<R>(s, f, 0);
    R *dx = at<R>(s, f, 1);
    memset(dx, 0, f->rows * N * sizeof(R));
    each_step(f->rows, T, [&](int64_t b, int64_t t) {
        for (int64_t n = 0; n < N; n++) dx[b * N + n] += dy[(b * T + t) * N + n];
    });
}

// x (B,T,N) -> mask (B,T); constant 0 the value of masked steps
template <class R> static void compute_mask_rows(const respnet_step *s, respnet_frame *f) {
    const int64_t N = s->dim[0], steps = f->rows * s->dim[1];
    const R *x = at<R>(s, f, 0), value = (R)s->constant[0];
    R *mask = at<R>(s, f, 1);
    for (int64_t i = 0; i < steps; i++) {
        bool any = false;
        for (int64_t n = 0; n < N; n++) any |= x[i * N + n] != value;
        mask[i] = any;
    }
}

// x (its rows only) -> y (B,N); dims and constant as of dropout
template <class R> static void dropout_mask_rows(const respnet_step *s, respnet_frame *f) {
    const int64_t N = s->dim[0];
    const dropout_mask mask(s, f);
    const R kept = R(1 / (1 - s->constant[0]));
    R *y = at<R>(s, f, 1);
    for (int64_t b = 0; b < f->rows; b++)
        for (int64_t n = 0; n < N; n++)
            y[b * N + n] = mask.keeps(f->first_row + b, N, n) ? kept : R(0);
}

// x (B,T,N), factor (B,N) -> y (B,T,N)
template <class R> static void multiply_steps_rows(const respnet_step *s, respnet_frame *f) {
    const int64_t N = s->dim[0], T = s->dim[1];
    const R *x = at<R>(s, f, 0), *factor = at<R>(s, f, 1);
    R *y = at<R>(s, f, 2);
    each_step(f->rows, T, [&](int64_t b, int64_t t) {
        for (int64_t n = 0; n < N; n++)
            y[(b * T + t) * N + n] = x[(b * T + t) * N + n] * factor[b * N + n];
    });
}

} // namespace RESPNET_LEVEL
