// One optimizer step over the flat vector of trainable parameters. dims: 0 length N; constants are
// those of engine/optimizers.py, in its order. A final part of a vector is handled through masks:
// its other lanes read 0 and compute numbers nobody stores.
#pragma once

#include "formulas.hpp"
#include "step.hpp"

namespace RESPNET_LEVEL {

template <class R, class F> RESPNET_INLINE void for_each_parameter(int64_t n, F &&f) {
    int64_t i = 0;
    for (; i + LANES<R> <= n; i += LANES<R>) f(i, (int64_t)LANES<R>);
    if (i < n) f(i, n - i);
}

// g -> w, step, previous, delta; constants: increase, decrease, step_max, step_min, initial step,
// always take back (RPROP+) or only when the error grew (iRprop+), weight_decay (g + it times w)
template <class R> static void rprop_step(const respnet_step *s, respnet_frame *f) {
    const double *c = s->constant;
    const optimizer::rprop<R> rule{R(c[0]), R(c[1]), R(c[3]), R(c[2])};
    const bool grew = c[5] != 0 || f->loss > f->previous_loss;
    const R *g = at<R>(s, f, 0);
    R *w = at<R>(s, f, 1), *step = at<R>(s, f, 2), *previous = at<R>(s, f, 3),
      *delta = at<R>(s, f, 4);
    for_each_parameter<R>(s->dim[0], [&](int64_t i, int64_t part) {
        vec<R> w_i = take<R>(w + i, part), step_i = take<R>(step + i, part);
        vec<R> previous_i = take<R>(previous + i, part), delta_i = take<R>(delta + i, part);
        const vec<R> g_i = take<R>(g + i, part) + splat<vec<R>>(R(c[6])) * w_i;
        rule.update(w_i, g_i, previous_i, step_i, delta_i, grew);
        put<R>(w + i, w_i, part);
        put<R>(step + i, step_i, part);
        put<R>(previous + i, previous_i, part);
        put<R>(delta + i, delta_i, part);
    });
}

// g -> w, velocity?; constants: learning_rate, momentum, nesterov, decay (learning_rate *
// weight_decay)
template <class R> static void sgd_step(const respnet_step *s, respnet_frame *f) {
    const double *c = s->constant;
    const optimizer::sgd<R> rule{R(c[0]), R(c[1]), c[2] != 0};
    const R *g = at<R>(s, f, 0);
    R *w = at<R>(s, f, 1), *velocity = at<R>(s, f, 2);
    for_each_parameter<R>(s->dim[0], [&](int64_t i, int64_t part) {
        vec<R> w_i = take<R>(w + i, part);
        w_i -= splat<vec<R>>(R(c[3])) * w_i;
        if (velocity) {
            vec<R> velocity_i = take<R>(velocity + i, part);
            rule.update(w_i, take<R>(g + i, part), velocity_i);
            put<R>(velocity + i, velocity_i, part);
        } else
            rule.update(w_i, take<R>(g + i, part));
        put<R>(w + i, w_i, part);
    });
}

// g -> w, square, velocity, mean?; constants: learning_rate, rho, momentum, epsilon, decay.
// Without momentum the velocity is the push itself; with a mean the variance is centered.
template <class R> static void rmsprop_step(const respnet_step *s, respnet_frame *f) {
    const double *c = s->constant;
    const optimizer::rmsprop<R> rule{R(c[0]), R(c[1]), R(c[3]), R(c[2])};
    const R *g = at<R>(s, f, 0);
    R *w = at<R>(s, f, 1), *square = at<R>(s, f, 2), *velocity = at<R>(s, f, 3);
    R *mean = at<R>(s, f, 4);
    for_each_parameter<R>(s->dim[0], [&](int64_t i, int64_t part) {
        vec<R> w_i = take<R>(w + i, part), square_i = take<R>(square + i, part);
        vec<R> velocity_i = take<R>(velocity + i, part);
        const vec<R> g_i = take<R>(g + i, part);
        w_i -= splat<vec<R>>(R(c[4])) * w_i;
        if (mean) {
            vec<R> mean_i = take<R>(mean + i, part);
            rule.update_centered(w_i, g_i, square_i, mean_i, velocity_i);
            put<R>(mean + i, mean_i, part);
        } else
            rule.update(w_i, g_i, square_i, velocity_i);
        put<R>(w + i, w_i, part);
        put<R>(square + i, square_i, part);
        put<R>(velocity + i, velocity_i, part);
    });
}

RESPNET_INLINE double power(double base, int64_t exponent) {
    double result = 1;
    for (; exponent; exponent >>= 1, base *= base)
        if (exponent & 1) result *= base;
    return result;
}

// Step t of Adam; constants: learning_rate, beta_1, beta_2, epsilon, decay. Corrects both biases.
template <class R> static optimizer::adam<R> adam_rule(const double *c, int64_t t) {
    const double unbias2 = 1 - power(c[2], t), unbias1 = 1 - power(c[1], t);
    const R rate = R(c[0] * __builtin_sqrt(unbias2) / unbias1);
    return {rate, R(c[1]), R(c[2]), R(c[3]), R(c[4])};
}

// g -> w, mean, variance; constants: those of adam_rule
template <class R> static void adam_step(const respnet_step *s, respnet_frame *f) {
    const optimizer::adam<R> rule = adam_rule<R>(s->constant, f->t);
    const R *g = at<R>(s, f, 0);
    R *w = at<R>(s, f, 1), *mean = at<R>(s, f, 2), *square = at<R>(s, f, 3);
    for_each_parameter<R>(s->dim[0], [&](int64_t i, int64_t part) {
        vec<R> w_i = take<R>(w + i, part), mean_i = take<R>(mean + i, part);
        vec<R> square_i = take<R>(square + i, part);
        rule.update(w_i, take<R>(g + i, part), mean_i, square_i);
        put<R>(w + i, w_i, part);
        put<R>(mean + i, mean_i, part);
        put<R>(square + i, square_i, part);
    });
}

} // namespace RESPNET_LEVEL
