// Probes: single functions as steps, so that tests and benches reach them through direct.pyx.
// The engine never runs these. Operands and dims of each are listed above it.
#pragma once

#include "abi.h"
#include "formulas.hpp"

namespace RESPNET_LEVEL {

template <class R> RESPNET_INLINE R *probe_operand(const respnet_step *s, respnet_frame *f, int i) {
    return s->space[i] < 0 ? nullptr : (R *)f->base[s->space[i]] + s->offset[i];
}

// y[n] = F(x[n]) in one value type: dim n, type (0 register, 1 wide, 2 scalar). Operands x, y.
template <class V, class F> static void probe_map(F f, const real_of<V> *x, real_of<V> *y, int64_t n) {
    int64_t i = 0;
    for (; i + traits<V>::lanes <= n; i += traits<V>::lanes) store<V>(y + i, f(load<V>(x + i)));
    if constexpr (traits<V>::lanes > 1)
        if (i < n) store_part<V>(y + i, f(load_part<V>(x + i, n - i)), n - i);
}
template <class R, class F> static void probe_unary(const respnet_step *s, respnet_frame *frame) {
    const R *x = probe_operand<R>(s, frame, 0);
    R *y = probe_operand<R>(s, frame, 1);
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
    const R *x = probe_operand<R>(s, frame, 0), *dy = probe_operand<R>(s, frame, 1);
    R *y = probe_operand<R>(s, frame, 2), *dx = probe_operand<R>(s, frame, 3);
    with_activation((int)s->dim[1], [&](auto tag) {
        typedef decltype(tag) F;
        const V unknown = splat<V>(constants<R>::nan);
        for (int64_t i = 0; i < s->dim[0]; i += LANES<R>) {
            const int64_t n = s->dim[0] - i < LANES<R> ? s->dim[0] - i : LANES<R>;
            const V x_i = load_part<V>(x + i, n), y_i = F::forward(x_i);
            const V dx_i = F::backward(F::needs_input ? x_i : unknown, y_i, load_part<V>(dy + i, n));
            store_part(y + i, y_i, n);
            store_part(dx + i, dx_i, n);
        }
    });
}

// value and gradient of a loss for each element: dim n. Operands prediction, target, value, d.
template <class R, class F> static void probe_loss(const respnet_step *s, respnet_frame *frame) {
    typedef vec<R> V;
    const R *p = probe_operand<R>(s, frame, 0), *t = probe_operand<R>(s, frame, 1);
    R *value = probe_operand<R>(s, frame, 2), *d = probe_operand<R>(s, frame, 3);
    for (int64_t i = 0; i < s->dim[0]; i += LANES<R>) {
        const int64_t n = s->dim[0] - i < LANES<R> ? s->dim[0] - i : LANES<R>;
        V gradient;
        const V p_i = load_part<V>(p + i, n), t_i = load_part<V>(t + i, n);
        store_part(value + i, F::value_and_gradient(p_i, t_i, gradient), n);
        store_part(d + i, gradient, n);
    }
}

// One update of one weight: operands w, g and three states of one element each; constants are the
// fields of the optimizer; dim kind (which of its update functions) and, for rprop, error_grew.
template <class R> static void probe_optimizer(const respnet_step *s, respnet_frame *frame) {
    R *o[5];
    for (int i = 0; i < 5; i++) o[i] = probe_operand<R>(s, frame, i);
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

#define RESPNET_PROBE_UNARY(name)                                                                  \
    {"probe_" #name, probe_unary<float, call_##name>, probe_unary<double, call_##name>},
#define RESPNET_PROBE_LOSS(name)                                                                   \
    {"probe_" #name, probe_loss<float, loss::name>, probe_loss<double, loss::name>},
#define RESPNET_PROBE(name) {#name, name<float>, name<double>},
#define RESPNET_PROBE_ENTRIES                                                                      \
    RESPNET_PRIMITIVES(RESPNET_PROBE_UNARY)                                                        \
    RESPNET_PROBE_LOSS(mse) RESPNET_PROBE_LOSS(mae) RESPNET_PROBE_LOSS(huber)                      \
    RESPNET_PROBE_LOSS(binary_cross_entropy)                                                       \
    RESPNET_PROBE(probe_activation) RESPNET_PROBE(probe_optimizer)

} // namespace RESPNET_LEVEL
