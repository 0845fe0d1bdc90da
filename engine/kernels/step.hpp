// How a step reaches its operands.
#pragma once

#include "abi.h"
#include "vector.hpp"

namespace RESPNET_LEVEL {

// Address of operand i, or null if it is absent.
template <class R>
RESPNET_INLINE R *at(const respnet_step *step, const respnet_frame *frame, int i) {
    return step->space[i] < 0 ? nullptr : (R *)frame->base[step->space[i]] + step->offset[i];
}

// Rows for a step along the last axis: the last dim is how many such rows one row of the batch has
// (T for sequences (B,T,N), which lie in memory as B*T rows).
RESPNET_INLINE int64_t rows_of(const respnet_step *s, const respnet_frame *f) {
    return f->rows * s->dim[MAX_DIMS - 1];
}

// The lanes layout stores a buffer (B,N) column by column: N columns of `stride` rows. Kernels work
// on whole wide<R> of rows; rows past the last one hold finite numbers and gradients of 0.
template <class R> RESPNET_INLINE int64_t padded(int64_t rows) {
    return (rows + WIDE<R> - 1) / WIDE<R> * WIDE<R>;
}

// The two layouts as spans of consecutive numbers, for steps that treat every number alike.
// layout::count(n, frame) spans of layout::length numbers; the i-th begins at i * frame->stride.
struct rows_layout {
    static int64_t count(int64_t) { return 1; }
    template <class R> static int64_t length(int64_t n, const respnet_frame *f) {
        return n * f->rows;
    }
};
struct lanes_layout {
    static int64_t count(int64_t n) { return n; }
    template <class R> static int64_t length(int64_t, const respnet_frame *f) {
        return padded<R>(f->rows);
    }
};

// f(offset, part): part is the number of valid lanes of the vector at that offset.
template <class R, class Layout, class F>
RESPNET_INLINE void for_each_vector(int64_t n, const respnet_frame *frame, F &&f) {
    const int64_t length = Layout::template length<R>(n, frame);
    for (int64_t c = 0; c < Layout::count(n); c++) {
        const int64_t base = c * frame->stride;
        int64_t i = 0;
        for (; i + LANES<R> <= length; i += LANES<R>) f(base + i, (int64_t)LANES<R>);
        if (i < length) f(base + i, length - i);
    }
}

// f(first number, numbers) for the registers of a row of n
template <class R, class F> RESPNET_INLINE void each_register(int64_t n, F f) {
    int64_t i = 0;
    for (; i + LANES<R> <= n; i += LANES<R>) f(i, (int64_t)LANES<R>);
    if (i < n) f(i, n - i);
}

template <class R> RESPNET_INLINE vec<R> take(const R *p, int64_t part) {
    return part == LANES<R> ? load<vec<R>>(p) : load_part<vec<R>>(p, part);
}
template <class R> RESPNET_INLINE void put(R *p, vec<R> x, int64_t part) {
    if (part == LANES<R>)
        store<vec<R>>(p, x);
    else
        store_part<vec<R>>(p, x, part);
}

} // namespace RESPNET_LEVEL
