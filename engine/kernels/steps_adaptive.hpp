// Optimizer steps like those of steps_optimizer.hpp, for the less usual optimizers.
#pragma once

#include "steps_optimizer.hpp"

namespace RESPNET_LEVEL {

// One step over n weights, each with its gradient and two state numbers.
template <class R, class Rule>
static void two_slot_step(const respnet_step *s, respnet_frame *f, double decay, const Rule &rule) {
    const R *g = at<R>(s, f, 0);
    R *w = at<R>(s, f, 1), *first = at<R>(s, f, 2), *second = at<R>(s, f, 3);
    for_each_parameter<R>(s->dim[0], [&](int64_t i, int64_t part) {
        vec<R> w_i = take<R>(w + i, part), first_i = take<R>(first + i, part);
        vec<R> second_i = take<R>(second + i, part);
        w_i -= splat<vec<R>>(R(decay)) * w_i;
        rule.update(w_i, take<R>(g + i, part), first_i, second_i);
        put<R>(w + i, w_i, part);
        put<R>(first + i, first_i, part);
        put<R>(second + i, second_i, part);
    });
}

// g -> w, square; constants: learning_rate, start of square, epsilon, decay
template <class R> static void adagrad_step(const respnet_step *s, respnet_frame *f) {
    const double *c = s->constant;
    const optimizer::adagrad<R> rule{R(c[0]), R(c[2])};
    const R *g = at<R>(s, f, 0);
    R *w = at<R>(s, f, 1), *square = at<R>(s, f, 2);
    for_each_parameter<R>(s->dim[0], [&](int64_t i, int64_t part) {
        vec<R> w_i = take<R>(w + i, part), square_i = take<R>(square + i, part);
        w_i -= splat<vec<R>>(R(c[3])) * w_i;
        rule.update(w_i, take<R>(g + i, part), square_i);
        put<R>(w + i, w_i, part);
        put<R>(square + i, square_i, part);
    });
}

// g -> w, square, change; constants: learning_rate, rho, epsilon, decay
template <class R> static void adadelta_step(const respnet_step *s, respnet_frame *f) {
    const double *c = s->constant;
    two_slot_step<R>(s, f, c[3], optimizer::adadelta<R>{R(c[0]), R(c[1]), R(c[2])});
}

// g -> w, mean, largest; constants: learning_rate, beta_1, beta_2, epsilon, decay
template <class R> static void adamax_step(const respnet_step *s, respnet_frame *f) {
    const double *c = s->constant, rate = c[0] / (1 - power(c[1], f->t));
    two_slot_step<R>(s, f, c[4], optimizer::adamax<R>{R(rate), R(c[1]), R(c[2]), R(c[3])});
}

// The momentum of step t rises to beta_1: beta_1 (1 - 0.96^t / 2).
RESPNET_INLINE double nadam_momentum(double beta, int64_t t) {
    return beta * (1 - 0.5 * power(0.96, t));
}
// The product of the momentums of steps 1..t; beyond 1000 steps they are beta_1 itself.
RESPNET_INLINE double nadam_product(double beta, int64_t t) {
    const int64_t varied = t < 1000 ? t : 1000;
    double product = power(beta, t - varied);
    for (int64_t i = 1; i <= varied; i++) product *= nadam_momentum(beta, i);
    return product;
}

// g -> w, mean, square; constants: learning_rate, beta_1, beta_2, epsilon, decay
template <class R> static void nadam_step(const respnet_step *s, respnet_frame *f) {
    const double *c = s->constant;
    const double now = nadam_momentum(c[1], f->t), next = nadam_momentum(c[1], f->t + 1);
    const double product = nadam_product(c[1], f->t);
    const double of_mean = c[0] * next / (1 - product * next);
    const double of_gradient = c[0] * (1 - now) / (1 - product);
    const double unbias = 1 / (1 - power(c[2], f->t));
    two_slot_step<R>(
        s, f, c[4],
        optimizer::nadam<R>{R(of_mean), R(of_gradient), R(unbias), R(c[1]), R(c[2]), R(c[3])});
}

// g -> w, mean, square, largest; constants: learning_rate, beta_1, beta_2, epsilon, decay
template <class R> static void amsgrad_step(const respnet_step *s, respnet_frame *f) {
    const optimizer::adam<R> rule = adam_rule<R>(s->constant, f->t);
    const R *g = at<R>(s, f, 0);
    R *w = at<R>(s, f, 1), *mean = at<R>(s, f, 2), *square = at<R>(s, f, 3);
    R *largest = at<R>(s, f, 4);
    for_each_parameter<R>(s->dim[0], [&](int64_t i, int64_t part) {
        vec<R> w_i = take<R>(w + i, part), mean_i = take<R>(mean + i, part);
        vec<R> square_i = take<R>(square + i, part), largest_i = take<R>(largest + i, part);
        rule.update_amsgrad(w_i, take<R>(g + i, part), mean_i, square_i, largest_i);
        put<R>(w + i, w_i, part);
        put<R>(mean + i, mean_i, part);
        put<R>(square + i, square_i, part);
        put<R>(largest + i, largest_i, part);
    });
}

} // namespace RESPNET_LEVEL
