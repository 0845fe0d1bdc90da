// dense_forward and dense_backward in their three variants, and the packing of their weights.
//
// dims: 0 inputs I, 1 outputs O, 2 activation, 3 gradients are always added to (shared parameters)
#pragma once

#include "gemm.hpp"
#include "gemv.hpp"
#include "lanes.hpp"
#include "steps_activation.hpp"

namespace RESPNET_LEVEL {

RESPNET_INLINE bool adds(const respnet_step *s, const respnet_frame *f) {
    return f->accumulate || s->dim[3];
}

// One row: x (1,I), packed kernel, bias? -> y (1,O)
template <class R> static void dense_forward_row(const respnet_step *s, respnet_frame *f) {
    gemv_wide<R>(s->dim[1], s->dim[0], at<R>(s, f, 0), at<R>(s, f, 1), at<R>(s, f, 2),
                 at<R>(s, f, 3), (int)s->dim[2]);
}

// Rows: x (B,I), packed kernel, bias? -> y (B,O)
template <class R> static void dense_forward_rows(const respnet_step *s, respnet_frame *f) {
    const int64_t I = s->dim[0], O = s->dim[1];
    gemm_panels<R>(rows_of(s, f), O, I, at<R>(s, f, 0), I, at<R>(s, f, 1), at<R>(s, f, 3), O, false,
                   at<R>(s, f, 2), (int)s->dim[2]);
}

// Rows: x, packed kernel^T, dz -> dx?, dkernel?, dbias?; operand 6 is the workspace of gemm_tn
template <class R> static void dense_backward_rows(const respnet_step *s, respnet_frame *f) {
    const int64_t I = s->dim[0], O = s->dim[1], B = rows_of(s, f);
    const R *x = at<R>(s, f, 0), *dz = at<R>(s, f, 2);
    R *dx = at<R>(s, f, 3), *dkernel = at<R>(s, f, 4), *dbias = at<R>(s, f, 5);
    if (dkernel) gemm_tn<R>(I, O, B, x, I, dz, O, dkernel, O, adds(s, f), at<R>(s, f, 6));
    if (dbias) column_sums<R>(B, O, dz, O, dbias, adds(s, f));
    if (dx) gemm_panels<R>(B, I, O, dz, O, at<R>(s, f, 1), dx, I, false, nullptr, 0);
}

// Lanes: x (B,I), kernel (I,O), bias? -> y (B,O), a block of rows at a time through the activation
template <class R> static void dense_forward_lanes(const respnet_step *s, respnet_frame *f) {
    const int64_t I = s->dim[0], O = s->dim[1], rows = padded<R>(f->rows);
    const R *x = at<R>(s, f, 0);
    const lanes_product<R> product{I, O, f->stride, 1, O, at<R>(s, f, 1), at<R>(s, f, 2)};
    R *y = at<R>(s, f, 3);
    with_activation((int)s->dim[2], [&](auto act) {
        for (int64_t r = 0; r < rows; r += BLOCK<R>) {
            const int64_t count = rows - r < BLOCK<R> ? rows - r : BLOCK<R>;
            product(x + r, count, y + r);
            for (int64_t o = 0; o < O; o++)
                for (int64_t i = 0; i < count; i += LANES<R>) {
                    R *p = y + o * f->stride + r + i;
                    store<vec<R>>(p, act.forward(load<vec<R>>(p)));
                }
        }
    });
}

// Lanes: x, kernel, dz -> dx?, dkernel?, dbias?
template <class R> static void dense_backward_lanes(const respnet_step *s, respnet_frame *f) {
    const int64_t I = s->dim[0], O = s->dim[1], rows = padded<R>(f->rows);
    const R *x = at<R>(s, f, 0), *kernel = at<R>(s, f, 1), *dz = at<R>(s, f, 2);
    R *dx = at<R>(s, f, 3), *dkernel = at<R>(s, f, 4), *dbias = at<R>(s, f, 5);
    if (dkernel) lanes_outer<R>(rows, I, O, x, dz, f->stride, dkernel, adds(s, f));
    if (dbias) lanes_sums<R>(rows, O, dz, f->stride, dbias, adds(s, f));
    if (dx) lanes_product<R>{O, I, f->stride, O, 1, kernel, nullptr}(dz, rows, dx);
}

// Packs: kernel (I,O) -> packed
template <class R> static void pack_wide_kernel(const respnet_step *s, respnet_frame *f) {
    pack_wide<R>(at<R>(s, f, 0), s->dim[1], 1, s->dim[0], s->dim[1], at<R>(s, f, 1));
}
template <class R> static void pack_panels_kernel(const respnet_step *s, respnet_frame *f) {
    pack_panels<R>(at<R>(s, f, 0), s->dim[1], 1, s->dim[0], s->dim[1], at<R>(s, f, 1));
}
template <class R> static void pack_panels_transposed(const respnet_step *s, respnet_frame *f) {
    pack_panels<R>(at<R>(s, f, 0), 1, s->dim[1], s->dim[1], s->dim[0], at<R>(s, f, 1));
}

} // namespace RESPNET_LEVEL
