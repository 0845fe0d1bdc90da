// Probes: single functions as steps, so that tests and benches reach them through direct.pyx.
// The engine never runs these. Operands and dims of each are listed above it.
#pragma once

#include "formulas.hpp"
#include "gemm.hpp"
#include "gemv.hpp"
#include "softmax.hpp"
#include "step.hpp"

namespace RESPNET_LEVEL {

// y[n] = F(x[n]) in one value type: dim n, type (0 register, 1 wide, 2 scalar). Operands x, y.
template <class V, class F>
static void probe_map(F f, const real_of<V> *x, real_of<V> *y, int64_t n) {
    int64_t i = 0;
    for (; i + traits<V>::lanes <= n; i += traits<V>::lanes) store<V>(y + i, f(load<V>(x + i)));
    if constexpr (traits<V>::lanes > 1)
        if (i < n) store_part<V>(y + i, f(load_part<V>(x + i, n - i)), n - i);
}
template <class R, class F> static void probe_unary(const respnet_step *s, respnet_frame *frame) {
    const R *x = at<R>(s, frame, 0);
    R *y = at<R>(s, frame, 1);
    switch (s->dim[1]) {
    case 0: return probe_map<vec<R>>(F{}, x, y, s->dim[0]);
    case 1: return probe_map<wide<R>>(F{}, x, y, s->dim[0]);
    default: return probe_map<R>(F{}, x, y, s->dim[0]);
    }
}

#define RESPNET_PRIMITIVES(X)                                                                      \
    X(exp) X(expm1) X(log) X(log1p_exp) X(tanh) X(sigmoid) X(erf) X(sqrt) X(abs) X(sign)
#define RESPNET_CALL(name)                                                                         \
    struct call_##name {                                                                           \
        template <class V> V operator()(V x) const { return name(x); }                             \
    };
RESPNET_PRIMITIVES(RESPNET_CALL)
#undef RESPNET_CALL

// y = act(x), dx = act'(x, y, dy): dim n, number of the activation. Operands x, dy, y, dx.
template <class R> static void probe_activation(const respnet_step *s, respnet_frame *frame) {
    typedef vec<R> V;
    const R *x = at<R>(s, frame, 0), *dy = at<R>(s, frame, 1);
    R *y = at<R>(s, frame, 2), *dx = at<R>(s, frame, 3);
    with_activation((int)s->dim[1], [&](auto tag) {
        typedef decltype(tag) F;
        const V unknown = splat<V>(constants<R>::nan);
        for (int64_t i = 0; i < s->dim[0]; i += LANES<R>) {
            const int64_t n = s->dim[0] - i < LANES<R> ? s->dim[0] - i : LANES<R>;
            const V x_i = load_part<V>(x + i, n), y_i = F::forward(x_i);
            const V seen = F::needs_input ? x_i : unknown;
            const V dx_i = F::backward(seen, y_i, load_part<V>(dy + i, n));
            store_part(y + i, y_i, n);
            store_part(dx + i, dx_i, n);
        }
    });
}

// value and gradient of a loss for each element: dim n, number of the loss; constants its options.
// Operands prediction, target, value, d.
template <class R> static void probe_loss(const respnet_step *s, respnet_frame *frame) {
    typedef vec<R> V;
    const R *p = at<R>(s, frame, 0), *t = at<R>(s, frame, 1);
    R *value = at<R>(s, frame, 2), *d = at<R>(s, frame, 3);
    const double *k = s->constant;
    const loss::options<V> option{splat<V>(R(k[0])), splat<V>(R(k[1])), splat<V>(R(k[2]))};
    with_loss((int)s->dim[1], [&](auto rule) {
        for (int64_t i = 0; i < s->dim[0]; i += LANES<R>) {
            const int64_t n = s->dim[0] - i < LANES<R> ? s->dim[0] - i : LANES<R>;
            V gradient;
            const V p_i = load_part<V>(p + i, n), t_i = load_part<V>(t + i, n);
            store_part(value + i, rule.value_and_gradient(p_i, t_i, gradient, option), n);
            store_part(d + i, gradient, n);
        }
    });
}

// One update of one weight: operands w, g and three states of one element each; constants are the
// fields of the optimizer; dim kind (which of its update functions) and, for rprop, error_grew.
template <class R> static void probe_optimizer(const respnet_step *s, respnet_frame *frame) {
    R *o[5];
    for (int i = 0; i < 5; i++) o[i] = at<R>(s, frame, i);
    R &w = *o[0], &g = *o[1], &a = *o[2], &b = *o[3], &c = *o[4], k[MAX_CONSTANTS];
    for (int i = 0; i < MAX_CONSTANTS; i++) k[i] = (R)s->constant[i];
    const bool flag = s->dim[1] != 0;
    switch (s->dim[0]) {
    case 0: return optimizer::sgd<R>{k[0], k[1], flag}.update(w, g);
    case 1: return optimizer::sgd<R>{k[0], k[1], flag}.update(w, g, a);
    case 2: return optimizer::rmsprop<R>{k[0], k[1], k[2], k[3]}.update(w, g, a);
    case 3: return optimizer::rmsprop<R>{k[0], k[1], k[2], k[3]}.update_centered(w, g, a, b, c);
    case 4: return optimizer::adam<R>{k[0], k[1], k[2], k[3], k[4]}.update(w, g, a, b);
    case 5: return optimizer::adam<R>{k[0], k[1], k[2], k[3], k[4]}.update_amsgrad(w, g, a, b, c);
    case 6: return optimizer::rprop<R>{k[0], k[1], k[2], k[3]}.update(w, g, a, b, c, flag);
    }
}

// ------------------------------------------------------------------------------------- products

// Sizes into the metric of the frame: dim which (0 panels, 1 wide, 2 workspace of gemm_tn), M, N,
// K.
template <class R> static void probe_size(const respnet_step *s, respnet_frame *frame) {
    const int64_t M = s->dim[1], N = s->dim[2], K = s->dim[3];
    const int64_t size = s->dim[0] == 0   ? panels_size<R>(K, N)
                         : s->dim[0] == 1 ? wide_size<R>(K, N)
                                          : gemm_tn_workspace<R>(M, N, K);
    frame->term[0].metric = (double)size;
}

// Operands B, out; dim K, N, row_stride, col_stride, wide (0 panels, 1 wide panels).
template <class R> static void probe_pack(const respnet_step *s, respnet_frame *frame) {
    const R *B = at<R>(s, frame, 0);
    R *out = at<R>(s, frame, 1);
    const int64_t *d = s->dim;
    if (d[4]) pack_wide(B, d[2], d[3], d[0], d[1], out);
    else pack_panels(B, d[2], d[3], d[0], d[1], out);
}

// Operands A, panels, C, bias; dim M, N, K, lda, ldc, add, activation.
template <class R> static void probe_gemm_panels(const respnet_step *s, respnet_frame *frame) {
    const R *A = at<R>(s, frame, 0), *panels = at<R>(s, frame, 1);
    const int64_t *d = s->dim;
    gemm_panels(d[0], d[1], d[2], A, d[3], panels, at<R>(s, frame, 2), d[4], d[5] != 0,
                (const R *)at<R>(s, frame, 3), (int)d[6]);
}

// Operands A, B, C, workspace; dim M, N, K, lda, ldb, ldc, add.
template <class R> static void probe_gemm_tn(const respnet_step *s, respnet_frame *frame) {
    const R *A = at<R>(s, frame, 0), *B = at<R>(s, frame, 1);
    const int64_t *d = s->dim;
    gemm_tn(d[0], d[1], d[2], A, d[3], B, d[4], at<R>(s, frame, 2), d[5], d[6] != 0,
            at<R>(s, frame, 3));
}

// Operands x, packed, bias, y; dim N, K, activation.
template <class R> static void probe_gemv_wide(const respnet_step *s, respnet_frame *frame) {
    const R *x = at<R>(s, frame, 0), *packed = at<R>(s, frame, 1);
    gemv_wide(s->dim[0], s->dim[1], x, packed, (const R *)at<R>(s, frame, 2),
              at<R>(s, frame, 3), (int)s->dim[2]);
}

// Operands A, out; dim M, N, lda, add.
template <class R> static void probe_column_sums(const respnet_step *s, respnet_frame *frame) {
    column_sums(s->dim[0], s->dim[1], (const R *)at<R>(s, frame, 0), s->dim[2],
                at<R>(s, frame, 1), s->dim[3] != 0);
}

// Operands x, y; dim rows, n, ldx, ldy.
template <class R> static void probe_softmax(const respnet_step *s, respnet_frame *frame) {
    const R *x = at<R>(s, frame, 0);
    softmax_rows(x, s->dim[2], at<R>(s, frame, 1), s->dim[3], s->dim[0], s->dim[1]);
}

// dim count: count times 12 independent vector multiply-adds, as fast as the processor can.
// Operand out: 12 registers.
template <class R> static void probe_fma_peak(const respnet_step *s, respnet_frame *frame) {
    R *out = at<R>(s, frame, 0);
    vec<R> sum[12];
    for (int i = 0; i < 12; i++) sum[i] = load<vec<R>>(out + i * LANES<R>);
    const vec<R> a = splat<vec<R>>(0.999f), b = splat<vec<R>>(0.001f);
    for (int64_t n = s->dim[0]; n > 0; n--)
        RESPNET_UNROLL for (int i = 0; i < 12; i++) sum[i] = sum[i] * a + b;
    for (int i = 0; i < 12; i++) store(out + i * LANES<R>, sum[i]);
}

#define RESPNET_PROBE_UNARY(name)                                                                  \
    {"probe_" #name, probe_unary<float, call_##name>, probe_unary<double, call_##name>},
#define RESPNET_PROBE(name) {#name, name<float>, name<double>},
#define RESPNET_PROBE_ENTRIES                                                                      \
    RESPNET_PRIMITIVES(RESPNET_PROBE_UNARY)                                                        \
    RESPNET_PROBE(probe_activation) RESPNET_PROBE(probe_loss) RESPNET_PROBE(probe_optimizer)       \
    RESPNET_PROBE(probe_size) RESPNET_PROBE(probe_pack) RESPNET_PROBE(probe_gemm_panels)           \
    RESPNET_PROBE(probe_gemm_tn) RESPNET_PROBE(probe_gemv_wide) RESPNET_PROBE(probe_column_sums)   \
    RESPNET_PROBE(probe_softmax) RESPNET_PROBE(probe_fma_peak)

} // namespace RESPNET_LEVEL
