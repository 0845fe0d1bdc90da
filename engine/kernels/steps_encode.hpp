// Whole numbers as rows of 0 and 1. dims: 0 tokens V. A number outside 0 .. V-1 makes the run a
// fault.
#pragma once

#include "step.hpp"

namespace RESPNET_LEVEL {

// The token x stands for, or -1 and the fault.
template <class R> RESPNET_INLINE int64_t token(R x, int64_t V, respnet_frame *f) {
    if (x >= 0 && x < (R)V) return (int64_t)x;
    f->fault = FAULT_TOKEN;
    f->fault_value = (double)x;
    f->fault_limit = (double)V - 1;
    return -1;
}

// x (B,T) -> y (B,T,V)
template <class R> static void one_hot_rows(const respnet_step *s, respnet_frame *f) {
    const int64_t V = s->dim[0], places = rows_of(s, f);
    const R *x = at<R>(s, f, 0);
    R *y = at<R>(s, f, 1);
    memset(y, 0, places * V * sizeof(R));
    for (int64_t i = 0; i < places; i++) {
        const int64_t k = token(x[i], V, f);
        if (k >= 0) y[i * V + k] = 1;
    }
}

// x (B,T) -> y (B,V): how often each token is there, or (dim 2) whether it is; dim 1 T
template <class R> static void count_tokens_rows(const respnet_step *s, respnet_frame *f) {
    const int64_t V = s->dim[0], T = s->dim[1];
    const R *x = at<R>(s, f, 0);
    R *y = at<R>(s, f, 1);
    memset(y, 0, rows_of(s, f) * V * sizeof(R));
    for (int64_t r = 0; r < rows_of(s, f); r++)
        for (int64_t t = 0; t < T; t++) {
            const int64_t k = token(x[r * T + t], V, f);
            if (k >= 0) y[r * V + k] = s->dim[2] ? R(1) : y[r * V + k] + 1;
        }
}

} // namespace RESPNET_LEVEL
