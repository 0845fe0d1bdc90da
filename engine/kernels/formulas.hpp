// The formulas of the engine, each written once, for any value type V.
//
// V is float or double, a register of them, or (in CUDA, where this file is compiled as well) the
// number of one thread. The primitives used here are all that a target must supply:
//   splat less select minimum maximum abs sqrt multiply_add exp expm1 tanh sigmoid erf log1p_exp
// math.hpp supplies them for vectors. Comparisons go through less(), choices through select():
// there are no branches on data. A sum of two products goes through multiply_add().
#pragma once

#ifdef __CUDACC__
#define RESPNET_FN __device__ __forceinline__
#else
#include "math.hpp"
#define RESPNET_FN inline __attribute__((always_inline))
#endif

namespace RESPNET_LEVEL {

// +1, 0 or -1. NaN gives 0.
template <class V> RESPNET_FN V sign(V x) {
    const V zero = splat<V>(0), one = splat<V>(1);
    return select(less(zero, x), one, select(less(x, zero), -one, zero));
}

} // namespace RESPNET_LEVEL

#include "formulas_activation.hpp"

namespace RESPNET_LEVEL {

// ----------------------------------------------------------------------------------- optimizers
// One update of one weight w by its gradient g; constants of type R, states by reference.

namespace optimizer {

// Rprop+ and iRprop+ (Igel & Huesken 2000). delta is the last change of w. iRprop+ takes a step
// back after a change of sign only if the error grew; Rprop+ always does (error_grew = true).
template <class R> struct rprop {
    R increase, decrease, step_min, step_max;
    template <class V>
    RESPNET_FN void update(V &w, V g, V &previous, V &step, V &delta, bool error_grew) const {
        const V zero = splat<V>(0);
        const V agreement = sign(g) * sign(previous);
        const auto same = less(zero, agreement), turned = less(agreement, zero);
        const V longer = minimum(step * splat<V>(increase), splat<V>(step_max));
        const V shorter = maximum(step * splat<V>(decrease), splat<V>(step_min));
        step = select(same, longer, select(turned, shorter, step));
        delta = select(turned, error_grew ? -delta : zero, -sign(g) * step);
        w += delta;
        previous = select(turned, zero, g);
    }
};

template <class R> struct sgd {
    R learning_rate, momentum;
    bool nesterov;
    template <class V> RESPNET_FN void update(V &w, V g) const {
        w -= splat<V>(learning_rate) * g;
    }
    template <class V> RESPNET_FN void update(V &w, V g, V &velocity) const {
        const V push = splat<V>(learning_rate) * g;
        velocity = multiply_add(splat<V>(momentum), velocity, -push);
        w += nesterov ? multiply_add(splat<V>(momentum), velocity, -push) : velocity;
    }
};

// Keras 3: epsilon stands under the root.
template <class R> struct rmsprop {
    R learning_rate, rho, epsilon, momentum;
    template <class V> RESPNET_FN void blend(V &average, V x) const {
        average = multiply_add(splat<V>(rho), average, splat<V>(1 - rho) * x);
    }
    template <class V> RESPNET_FN V push(V g, V variance) const {
        return splat<V>(learning_rate) * g / sqrt(variance + splat<V>(epsilon));
    }
    template <class V> RESPNET_FN void move(V &w, V push, V &velocity) const {
        velocity = splat<V>(momentum) * velocity + push;
        w -= velocity;
    }
    template <class V> RESPNET_FN void update(V &w, V g, V &square) const {
        blend(square, g * g);
        w -= push(g, square);
    }
    template <class V> RESPNET_FN void update(V &w, V g, V &square, V &velocity) const {
        blend(square, g * g);
        move(w, push(g, square), velocity);
    }
    template <class V>
    RESPNET_FN void update_centered(V &w, V g, V &square, V &mean, V &velocity) const {
        blend(square, g * g);
        blend(mean, g);
        move(w, push(g, square - mean * mean), velocity);
    }
};

// rate = learning_rate sqrt(1 - beta2^t) / (1 - beta1^t), made by the caller once per step t.
// AdamW first shrinks w: decay = learning_rate * weight_decay (0 for Adam).
template <class R> struct adam {
    R rate, beta1, beta2, epsilon, decay;
    template <class V> RESPNET_FN void average(V g, V &mean, V &square) const {
        mean += splat<V>(1 - beta1) * (g - mean);
        square += splat<V>(1 - beta2) * (g * g - square);
    }
    template <class V> RESPNET_FN void move(V &w, V mean, V square) const {
        w -= splat<V>(decay) * w;
        w -= splat<V>(rate) * mean / (sqrt(square) + splat<V>(epsilon));
    }
    template <class V> RESPNET_FN void update(V &w, V g, V &mean, V &square) const {
        average(g, mean, square);
        move(w, mean, square);
    }
    template <class V>
    RESPNET_FN void update_amsgrad(V &w, V g, V &mean, V &square, V &largest) const {
        average(g, mean, square);
        largest = maximum(largest, square);
        move(w, mean, largest);
    }
};

// The sum of all squares (Duchi, Hazan and Singer 2011), epsilon under the root as in Keras.
template <class R> struct adagrad {
    R learning_rate, epsilon;
    template <class V> RESPNET_FN void update(V &w, V g, V &square) const {
        square += g * g;
        w -= splat<V>(learning_rate) * g / sqrt(square + splat<V>(epsilon));
    }
};

// Zeiler 2012: steps as long as earlier ones were.
template <class R> struct adadelta {
    R learning_rate, rho, epsilon;
    template <class V> RESPNET_FN void update(V &w, V g, V &square, V &change) const {
        const V keep = splat<V>(rho), add = splat<V>(1 - rho), e = splat<V>(epsilon);
        square = multiply_add(keep, square, add * g * g);
        const V delta = -sqrt(change + e) / sqrt(square + e) * g;
        change = multiply_add(keep, change, add * delta * delta);
        w += splat<V>(learning_rate) * delta;
    }
};

// Adam by the largest gradient (Kingma and Ba 2015, 7.1). rate = learning_rate / (1 - beta1^t)
template <class R> struct adamax {
    R rate, beta1, beta2, epsilon;
    template <class V> RESPNET_FN void update(V &w, V g, V &mean, V &largest) const {
        mean += splat<V>(1 - beta1) * (g - mean);
        largest = maximum(splat<V>(beta2) * largest, abs(g));
        w -= splat<V>(rate) * mean / (largest + splat<V>(epsilon));
    }
};

// Adam with Nesterov's look ahead (Dozat 2016): the caller makes, once per step, what the mean and
// the gradient are multiplied with, and 1 / (1 - beta2^t).
template <class R> struct nadam {
    R of_mean, of_gradient, unbias, beta1, beta2, epsilon;
    template <class V> RESPNET_FN void update(V &w, V g, V &mean, V &square) const {
        mean += splat<V>(1 - beta1) * (g - mean);
        square += splat<V>(1 - beta2) * (g * g - square);
        const V push = splat<V>(of_mean) * mean + splat<V>(of_gradient) * g;
        w -= push / (sqrt(square * splat<V>(unbias)) + splat<V>(epsilon));
    }
};

} // namespace optimizer

} // namespace RESPNET_LEVEL

#include "formulas_loss.hpp"
