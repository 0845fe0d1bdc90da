// The formulas of the engine, each written once, for any value type V.
//
// V is float or double, a register of them, or (in CUDA, where this file is compiled as well) the
// number of one thread. The primitives used here are all that a target must supply:
//   splat less select minimum maximum abs sqrt multiply_add exp expm1 tanh sigmoid erf log1p_exp
// math.hpp supplies them for vectors. Comparisons go through less(), choices through select():
// there are no branches on data. A sum of two products goes through multiply_add().
#pragma once

#include <stdint.h>

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

// ---------------------------------------------------------------------------------- activations
// A new activation is a struct and a word in RESPNET_ACTIVATIONS: numbers, dispatch, names follow.
// backward returns dx. It may use x only where needs_input says so; y is always there.

#define RESPNET_ACTIVATIONS(X)                                                                     \
    X(linear) X(sigmoid) X(tanh) X(relu) X(leaky_relu) X(elu) X(gelu) X(softplus) X(exponential)

namespace activation {

struct linear {
    static constexpr bool needs_input = false;
    template <class V> static RESPNET_FN V forward(V x) { return x; }
    template <class V> static RESPNET_FN V backward(V, V, V dy) { return dy; }
};

struct sigmoid {
    static constexpr bool needs_input = false;
    template <class V> static RESPNET_FN V forward(V x) { return RESPNET_LEVEL::sigmoid(x); }
    template <class V> static RESPNET_FN V backward(V, V y, V dy) {
        return dy * (y * (splat<V>(1) - y));
    }
};

struct tanh {
    static constexpr bool needs_input = false;
    template <class V> static RESPNET_FN V forward(V x) { return RESPNET_LEVEL::tanh(x); }
    template <class V> static RESPNET_FN V backward(V, V y, V dy) {
        return dy * (splat<V>(1) - y * y);
    }
};

struct relu {
    static constexpr bool needs_input = false;
    template <class V> static RESPNET_FN V forward(V x) { return maximum(x, splat<V>(0)); }
    template <class V> static RESPNET_FN V backward(V, V y, V dy) {
        return select(less(splat<V>(0), y), dy, splat<V>(0));
    }
};

// Slope 0.2, as Keras 3 has it for the activation of this name (its LeakyReLU layer has 0.3).
struct leaky_relu {
    static constexpr bool needs_input = false;
    template <class V> static RESPNET_FN V forward(V x) { return backward(x, x, x); }
    template <class V> static RESPNET_FN V backward(V, V y, V dy) {
        return select(less(y, splat<V>(0)), dy * splat<V>(0.2), dy);
    }
};

struct elu {
    static constexpr bool needs_input = false;
    template <class V> static RESPNET_FN V forward(V x) {
        return select(less(x, splat<V>(0)), expm1(x), x);
    }
    template <class V> static RESPNET_FN V backward(V, V y, V dy) {
        return select(less(y, splat<V>(0)), dy * (y + splat<V>(1)), dy);
    }
};

// x P(Z < x) with Z normal: the exact form, not the one with tanh.
struct gelu {
    static constexpr bool needs_input = true;
    template <class V> static RESPNET_FN V below(V x) {
        return splat<V>(0.5) * (splat<V>(1) + erf(x * splat<V>(0.70710678118654752)));
    }
    template <class V> static RESPNET_FN V forward(V x) { return x * below(x); }
    template <class V> static RESPNET_FN V backward(V x, V, V dy) {
        const V density = splat<V>(0.39894228040143268) * exp(splat<V>(-0.5) * x * x);
        return dy * multiply_add(x, density, below(x));
    }
};

struct softplus {
    static constexpr bool needs_input = false;
    template <class V> static RESPNET_FN V forward(V x) { return log1p_exp(x); }
    // sigmoid(x) = 1 - exp(-y)
    template <class V> static RESPNET_FN V backward(V, V y, V dy) { return -dy * expm1(-y); }
};

struct exponential {
    static constexpr bool needs_input = false;
    template <class V> static RESPNET_FN V forward(V x) { return exp(x); }
    template <class V> static RESPNET_FN V backward(V, V y, V dy) { return dy * y; }
};

#define RESPNET_NUMBER(name) number_##name,
enum number : int { RESPNET_ACTIVATIONS(RESPNET_NUMBER) count };
#undef RESPNET_NUMBER

#ifndef __CUDACC__
#define RESPNET_NAME(name) #name,
static const char *const names[] = {RESPNET_ACTIVATIONS(RESPNET_NAME)};
#undef RESPNET_NAME
#endif

} // namespace activation

// Calls f with the struct of that number; an unknown number does nothing.
template <class F> RESPNET_FN void with_activation(int number, F &&f) {
    switch (number) {
#define RESPNET_CASE(name)                                                                         \
    case activation::number_##name: f(activation::name{}); break;
        RESPNET_ACTIVATIONS(RESPNET_CASE)
#undef RESPNET_CASE
    }
}

// --------------------------------------------------------------------------------------- losses
// Value and gradient of one element from one function; means and weights are the caller's.

namespace loss {

struct mse {
    template <class V> static RESPNET_FN V value_and_gradient(V prediction, V target, V &d) {
        const V error = prediction - target;
        d = error + error;
        return error * error;
    }
};

struct mae {
    template <class V> static RESPNET_FN V value_and_gradient(V prediction, V target, V &d) {
        const V error = prediction - target;
        d = sign(error);
        return abs(error);
    }
};

// Square within delta of the target, straight beyond (Huber 1964), as Keras scales it.
struct huber {
    template <class V>
    static RESPNET_FN V value_and_gradient(V prediction, V target, V &d, V delta = splat<V>(1)) {
        const V error = prediction - target, size = abs(error), half = splat<V>(0.5);
        d = maximum(minimum(error, delta), -delta);
        return select(less(delta, size), delta * (size - half * delta), half * error * error);
    }
};

// -(t log s(x) + (1 - t) log(1 - s(x))) of a logit x, without ever forming s(x).
struct binary_cross_entropy {
    template <class V> static RESPNET_FN V value_and_gradient(V logit, V target, V &d) {
        d = sigmoid(logit) - target;
        return log1p_exp(logit) - logit * target;
    }
};

} // namespace loss

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
