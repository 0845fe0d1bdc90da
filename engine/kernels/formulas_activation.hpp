// Activations: value and derivative of one element. Included by formulas.hpp only, which says what
// V may be and which primitives there are.
#pragma once

namespace RESPNET_LEVEL {

// A new activation is a struct and a word in RESPNET_ACTIVATIONS: numbers, dispatch, names follow.
// backward returns dx. It may use x only where needs_input says so; y is always there.

#define RESPNET_ACTIVATIONS(X)                                                                     \
    X(linear) X(sigmoid) X(tanh) X(relu) X(leaky_relu) X(elu) X(gelu) X(softplus) X(exponential)   \
    X(relu6) X(selu) X(silu) X(mish) X(softsign) X(hard_sigmoid) X(hard_silu) X(hard_tanh)         \
    X(log_sigmoid) X(tanh_shrink) X(soft_shrink) X(hard_shrink)

namespace activation {

// dx where y lies between two corners, 0 beyond them
template <class V> RESPNET_FN V inside(V y, V low, V high, V dx) {
    return select(less(low, y), select(less(y, high), dx, splat<V>(0)), splat<V>(0));
}

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

struct relu6 {
    static constexpr bool needs_input = false;
    template <class V> static RESPNET_FN V forward(V x) {
        return minimum(maximum(x, splat<V>(0)), splat<V>(6));
    }
    template <class V> static RESPNET_FN V backward(V, V y, V dy) {
        return inside(y, splat<V>(0), splat<V>(6), dy);
    }
};

// Keeps mean 0 and variance 1 from layer to layer (Klambauer et al. 2017).
struct selu {
    static constexpr bool needs_input = false;
    template <class V> static RESPNET_FN V scale() { return splat<V>(1.0507009873554805); }
    template <class V> static RESPNET_FN V low() { return splat<V>(1.7580993408473766); }
    template <class V> static RESPNET_FN V forward(V x) {
        return select(less(x, splat<V>(0)), low<V>() * expm1(x), scale<V>() * x);
    }
    template <class V> static RESPNET_FN V backward(V, V y, V dy) {
        return dy * select(less(y, splat<V>(0)), y + low<V>(), scale<V>());
    }
};

struct silu { // also called swish
    static constexpr bool needs_input = true;
    template <class V> static RESPNET_FN V forward(V x) { return x * RESPNET_LEVEL::sigmoid(x); }
    template <class V> static RESPNET_FN V backward(V x, V, V dy) {
        const V s = RESPNET_LEVEL::sigmoid(x), one = splat<V>(1);
        return dy * (s * multiply_add(x, one - s, one));
    }
};

// x tanh(softplus(x)) (Misra 2019)
struct mish {
    static constexpr bool needs_input = true;
    template <class V> static RESPNET_FN V factor(V x) {
        return RESPNET_LEVEL::tanh(log1p_exp(x));
    }
    template <class V> static RESPNET_FN V forward(V x) { return x * factor(x); }
    template <class V> static RESPNET_FN V backward(V x, V, V dy) {
        const V t = factor(x), slope = RESPNET_LEVEL::sigmoid(x) * (splat<V>(1) - t * t);
        return dy * multiply_add(x, slope, t);
    }
};

struct softsign {
    static constexpr bool needs_input = false;
    template <class V> static RESPNET_FN V forward(V x) { return x / (splat<V>(1) + abs(x)); }
    template <class V> static RESPNET_FN V backward(V, V y, V dy) {
        const V rest = splat<V>(1) - abs(y);
        return dy * (rest * rest);
    }
};

// x / 6 + 1 / 2, cut to 0 and 1
struct hard_sigmoid {
    static constexpr bool needs_input = false;
    template <class V> static RESPNET_FN V forward(V x) {
        const V straight = multiply_add(x, splat<V>(1.0 / 6), splat<V>(0.5));
        return minimum(maximum(straight, splat<V>(0)), splat<V>(1));
    }
    template <class V> static RESPNET_FN V backward(V, V y, V dy) {
        return inside(y, splat<V>(0), splat<V>(1), dy * splat<V>(1.0 / 6));
    }
};

struct hard_silu { // also called hard_swish
    static constexpr bool needs_input = true;
    template <class V> static RESPNET_FN V forward(V x) { return x * hard_sigmoid::forward(x); }
    template <class V> static RESPNET_FN V backward(V x, V, V dy) {
        const V slope = inside(x, splat<V>(-3), splat<V>(3), x * splat<V>(1.0 / 6));
        return dy * (hard_sigmoid::forward(x) + slope);
    }
};

struct hard_tanh {
    static constexpr bool needs_input = false;
    template <class V> static RESPNET_FN V forward(V x) {
        return minimum(maximum(x, splat<V>(-1)), splat<V>(1));
    }
    template <class V> static RESPNET_FN V backward(V, V y, V dy) {
        return inside(y, splat<V>(-1), splat<V>(1), dy);
    }
};

struct log_sigmoid {
    static constexpr bool needs_input = false;
    template <class V> static RESPNET_FN V forward(V x) { return -log1p_exp(-x); }
    // 1 - sigmoid(x) = 1 - exp(y)
    template <class V> static RESPNET_FN V backward(V, V y, V dy) { return -dy * expm1(y); }
};

struct tanh_shrink {
    static constexpr bool needs_input = true;
    template <class V> static RESPNET_FN V forward(V x) { return x - RESPNET_LEVEL::tanh(x); }
    template <class V> static RESPNET_FN V backward(V x, V, V dy) {
        const V t = RESPNET_LEVEL::tanh(x);
        return dy * (t * t);
    }
};

// Half nearer to 0; 0 up to a half.
struct soft_shrink {
    static constexpr bool needs_input = false;
    template <class V> static RESPNET_FN V forward(V x) {
        return x - minimum(maximum(x, splat<V>(-0.5)), splat<V>(0.5));
    }
    template <class V> static RESPNET_FN V backward(V, V y, V dy) {
        return select(less(splat<V>(0), abs(y)), dy, splat<V>(0));
    }
};

// 0 up to a half.
struct hard_shrink {
    static constexpr bool needs_input = false;
    template <class V> static RESPNET_FN V forward(V x) {
        return select(less(splat<V>(0.5), abs(x)), x, soft_shrink::forward(x));
    }
    template <class V> static RESPNET_FN V backward(V, V y, V dy) {
        return soft_shrink::backward(y, y, dy);
    }
};

// --- with constants of the layer: no number, steps of their own

// slope (x - threshold) below the threshold, x above it, max_value at most
template <class R> struct bent {
    R max_value, negative_slope, threshold;
    template <class V> RESPNET_FN V forward(V x) const {
        const V low = splat<V>(negative_slope) * (x - splat<V>(threshold));
        return minimum(select(less(x, splat<V>(threshold)), low, x), splat<V>(max_value));
    }
    template <class V> RESPNET_FN V backward(V x, V dy) const {
        const V high = select(less(x, splat<V>(max_value)), dy, splat<V>(0));
        return select(less(x, splat<V>(threshold)), splat<V>(negative_slope) * dy, high);
    }
};

template <class R> struct scaled_elu {
    R alpha;
    template <class V> RESPNET_FN V forward(V x) const {
        return select(less(x, splat<V>(0)), splat<V>(alpha) * expm1(x), x);
    }
    template <class V> RESPNET_FN V backward(V x, V y, V dy) const {
        return select(less(x, splat<V>(0)), dy * (y + splat<V>(alpha)), dy);
    }
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

} // namespace RESPNET_LEVEL
