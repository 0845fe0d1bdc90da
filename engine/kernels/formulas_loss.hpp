// Losses, each formula once, for any value type V (see formulas.hpp, which includes this file).
//
// Value and gradient come from one function; means and weights are the caller's. `options` are
// the numbers a loss may have (losses.py). Definitions are those of Keras 3, EPSILON its epsilon().
#pragma once

namespace RESPNET_LEVEL {
namespace loss {

constexpr double EPSILON = 1e-7;

// first: delta, smoothing or the class that is ignored; gamma and alpha: of the focal losses.
template <class V> struct options {
    V first, gamma, alpha;
};

template <class V> RESPNET_FN V clipped(V x, double low, double high) {
    return maximum(minimum(x, splat<V>(high)), splat<V>(low));
}
// d where low <= x <= high, else 0: the slope of a clipped x.
template <class V> RESPNET_FN V within(V x, double low, double high, V d) {
    const V zero = splat<V>(0);
    return select(less(x, splat<V>(low)), zero, select(less(splat<V>(high), x), zero, d));
}
template <class V> RESPNET_FN V smoothed(V target, V smoothing) {
    return multiply_add(smoothing, splat<V>(0.5) - target, target);
}

// ------------------------------------------------------------------------------------ pointwise
// Of one output; the loss of a row is the mean over its outputs. The order is POINTWISE's.

#define RESPNET_POINTWISE_LOSSES(X)                                                                \
    X(mse) X(mae) X(huber) X(binary_crossentropy) X(binary_probability) X(poisson) X(hinge)        \
    X(squared_hinge) X(mape) X(msle) X(log_cosh) X(binary_focal) X(binary_focal_logit)

struct mse {
    template <class V>
    static RESPNET_FN V value_and_gradient(V prediction, V target, V &d, options<V>) {
        const V error = prediction - target;
        d = error + error;
        return error * error;
    }
};

struct mae {
    template <class V>
    static RESPNET_FN V value_and_gradient(V prediction, V target, V &d, options<V>) {
        const V error = prediction - target;
        d = sign(error);
        return abs(error);
    }
};

// Square within delta of the target, straight beyond (Huber 1964).
struct huber {
    template <class V>
    static RESPNET_FN V value_and_gradient(V prediction, V target, V &d, options<V> option) {
        const V error = prediction - target, size = abs(error), half = splat<V>(0.5);
        const V delta = option.first;
        d = maximum(minimum(error, delta), -delta);
        return select(less(delta, size), delta * (size - half * delta), half * error * error);
    }
};

// -(t log s(x) + (1 - t) log(1 - s(x))) of a logit x, without ever forming s(x); option: smoothing.
struct binary_crossentropy {
    template <class V>
    static RESPNET_FN V value_and_gradient(V logit, V target, V &d, options<V> option) {
        const V t = smoothed(target, option.first);
        d = sigmoid(logit) - t;
        return log1p_exp(logit) - logit * t;
    }
};

// The same of a probability, kept EPSILON away from 0 and 1.
struct binary_probability {
    template <class V>
    static RESPNET_FN V value_and_gradient(V prediction, V target, V &d, options<V> option) {
        const V one = splat<V>(1), t = smoothed(target, option.first);
        const V p = clipped(prediction, EPSILON, 1 - EPSILON);
        d = within(prediction, EPSILON, 1 - EPSILON, (p - t) / (p * (one - p)));
        return -(t * log(p) + (one - t) * log(one - p));
    }
};

// Of a rate: -log likelihood of counts, without the part that does not depend on it.
struct poisson {
    template <class V>
    static RESPNET_FN V value_and_gradient(V prediction, V target, V &d, options<V>) {
        const V rate = prediction + splat<V>(EPSILON);
        d = splat<V>(1) - target / rate;
        return prediction - target * log(rate);
    }
};

// Targets are -1 and 1.
struct hinge {
    template <class V>
    static RESPNET_FN V value_and_gradient(V prediction, V target, V &d, options<V>) {
        const V zero = splat<V>(0), margin = splat<V>(1) - target * prediction;
        d = select(less(zero, margin), -target, zero);
        return maximum(margin, zero);
    }
};

struct squared_hinge {
    template <class V>
    static RESPNET_FN V value_and_gradient(V prediction, V target, V &d, options<V>) {
        const V margin = maximum(splat<V>(1) - target * prediction, splat<V>(0));
        d = splat<V>(-2) * target * margin;
        return margin * margin;
    }
};

// 100 |y - t| / |t|
struct mape {
    template <class V>
    static RESPNET_FN V value_and_gradient(V prediction, V target, V &d, options<V>) {
        const V error = prediction - target;
        const V scale = splat<V>(100) / maximum(abs(target), splat<V>(EPSILON));
        d = sign(error) * scale;
        return abs(error) * scale;
    }
};

// (log(1 + y) - log(1 + t))^2 of what is above 0
struct msle {
    template <class V>
    static RESPNET_FN V value_and_gradient(V prediction, V target, V &d, options<V>) {
        const V one = splat<V>(1), least = splat<V>(EPSILON), p = maximum(prediction, least) + one;
        const V error = log(p) - log(maximum(target, least) + one);
        d = select(less(prediction, least), splat<V>(0), splat<V>(2) * error / p);
        return error * error;
    }
};

// log cosh x = |x| + log(1 + exp(-2|x|)) - log 2
struct log_cosh {
    template <class V>
    static RESPNET_FN V value_and_gradient(V prediction, V target, V &d, options<V>) {
        const V error = prediction - target, size = abs(error);
        d = tanh(error);
        return size + log1p_exp(splat<V>(-2) * size) - splat<V>(0.69314718055994531);
    }
};

// --------------------------------------------------------------------------------------- of a row
// `row` reads outputs p(o) and targets t(o) and takes gradients d(o, v); it gives back v as d(o)
// while that is unscaled: scale(o, v) is the last word. The order is that of ROWWISE.

#define RESPNET_ROW_LOSSES(X)                                                                      \
    X(categorical_crossentropy) X(sparse_crossentropy) X(categorical_probability)                  \
    X(sparse_probability) X(kl_divergence) X(categorical_hinge) X(cosine_similarity)               \
    X(categorical_focal) X(categorical_focal_logits)

// 1 where the class of the row is o; class numbers are whole.
template <class V> RESPNET_FN V is_class(V number, int64_t o) {
    return select(number == splat<V>(o), splat<V>(1), splat<V>(0));
}

// Targets as probabilities of each output, smoothed.
template <class V> struct categorical_targets {
    V keep, add;
    RESPNET_FN categorical_targets(int64_t outputs, V smoothing)
        : keep(splat<V>(1) - smoothing), add(smoothing / splat<V>(outputs)) {}
    template <class Row> RESPNET_FN V operator()(const Row &row, int64_t o) const {
        return multiply_add(row.t(o), keep, add);
    }
};
// Targets as the number of the class; rows of the class `ignored` (NaN: there is none) and of
// numbers that are no output have no target: their number is that of no class.
template <class V> struct sparse_targets {
    V number, counts;
    template <class Row>
    RESPNET_FN sparse_targets(int64_t outputs, const Row &row, V ignored) {
        const V given = row.t(0), none = splat<V>(-1), zero = splat<V>(0);
        const V known = select(less(given, splat<V>(outputs)), given, none);
        number = select(known == ignored, none, known);
        counts = select(less(number, zero), zero, splat<V>(1));
    }
    template <class Row> RESPNET_FN V operator()(const Row &, int64_t o) const {
        return is_class(number, o);
    }
};

// -sum t log softmax(z) of logits z
template <class V, class Row, class Targets>
RESPNET_FN V softmax_crossentropy(int64_t n, Row &row, const Targets &target, V total) {
    V top = row.p(0), sum = splat<V>(0), value = splat<V>(0);
    for (int64_t o = 1; o < n; o++) top = maximum(top, row.p(o));
    for (int64_t o = 0; o < n; o++) {
        const V e = exp(row.p(o) - top);
        sum += e;
        row.d(o, e);
    }
    const V log_sum = log(sum) + top, scale = total / sum;
    for (int64_t o = 0; o < n; o++) {
        const V t = target(row, o);
        value += t * (log_sum - row.p(o));
        row.scale(o, row.d(o) * scale - t);
    }
    return value;
}

// The sum over outputs of term(o, q, dq), q = p / sum p; it gives the slope dq too.
template <class V, class Row, class Term>
RESPNET_FN V of_shares(int64_t n, Row &row, const Term &term) {
    V sum = splat<V>(0), value = splat<V>(0), shift = splat<V>(0);
    for (int64_t o = 0; o < n; o++) sum += row.p(o);
    for (int64_t o = 0; o < n; o++) {
        const V q = row.p(o) / sum;
        V dq;
        value += term(o, q, dq);
        shift += dq * q;
        row.d(o, dq);
    }
    for (int64_t o = 0; o < n; o++) row.scale(o, (row.d(o) - shift) / sum);
    return value;
}

// -sum t log q, q kept EPSILON away from 0 and 1
template <class V, class Row, class Targets>
RESPNET_FN V crossentropy(int64_t n, Row &row, const Targets &target) {
    return of_shares<V>(n, row, [&](int64_t o, V q, V &dq) {
        const V t = target(row, o), p = clipped(q, EPSILON, 1 - EPSILON);
        dq = within(q, EPSILON, 1 - EPSILON, -t / p);
        return -t * log(p);
    });
}

struct categorical_crossentropy {
    template <class V, class Row> static RESPNET_FN V of_row(int64_t n, Row &row, options<V> o) {
        const categorical_targets<V> targets(n, o.first);
        V total = splat<V>(0);
        for (int64_t i = 0; i < n; i++) total += targets(row, i);
        return softmax_crossentropy<V>(n, row, targets, total);
    }
};
struct sparse_crossentropy {
    template <class V, class Row> static RESPNET_FN V of_row(int64_t n, Row &row, options<V> o) {
        const sparse_targets<V> targets(n, row, o.first);
        return softmax_crossentropy<V>(n, row, targets, targets.counts);
    }
};
struct categorical_probability {
    template <class V, class Row> static RESPNET_FN V of_row(int64_t n, Row &row, options<V> o) {
        return crossentropy<V>(n, row, categorical_targets<V>(n, o.first));
    }
};
struct sparse_probability {
    template <class V, class Row> static RESPNET_FN V of_row(int64_t n, Row &row, options<V> o) {
        return crossentropy<V>(n, row, sparse_targets<V>(n, row, o.first));
    }
};

// sum t log(t / p), both kept within EPSILON and 1 (Kullback and Leibler 1951)
struct kl_divergence {
    template <class V, class Row> static RESPNET_FN V of_row(int64_t n, Row &row, options<V>) {
        V value = splat<V>(0);
        for (int64_t o = 0; o < n; o++) {
            const V t = clipped(row.t(o), EPSILON, 1), p = clipped(row.p(o), EPSILON, 1);
            value += t * log(t / p);
            row.scale(o, within(row.p(o), EPSILON, 1, -t / p));
        }
        return value;
    }
};

// max(largest (1 - t) p - sum t p + 1, 0); the first of equally large ones has the slope
struct categorical_hinge {
    template <class V, class Row> static RESPNET_FN V of_row(int64_t n, Row &row, options<V>) {
        const V zero = splat<V>(0), one = splat<V>(1);
        V own = zero, other = (one - row.t(0)) * row.p(0), at = zero;
        for (int64_t o = 0; o < n; o++) {
            const V x = (one - row.t(o)) * row.p(o);
            at = select(less(other, x), splat<V>(o), at);
            other = maximum(other, x);
            own += row.t(o) * row.p(o);
        }
        const V value = maximum(other - own + one, zero);
        for (int64_t o = 0; o < n; o++) {
            const V d = is_class(at, o) * (one - row.t(o)) - row.t(o);
            row.scale(o, select(less(zero, value), d, zero));
        }
        return value;
    }
};

// -cos of the angle between outputs and targets
struct cosine_similarity {
    template <class V, class Row> static RESPNET_FN V of_row(int64_t n, Row &row, options<V>) {
        V product = splat<V>(0), square_p = product, square_t = product;
        for (int64_t o = 0; o < n; o++) {
            product += row.p(o) * row.t(o);
            square_p += row.p(o) * row.p(o);
            square_t += row.t(o) * row.t(o);
        }
        const V least = splat<V>(EPSILON), size = sqrt(square_p);
        const V p = maximum(size, least);
        const V scale = splat<V>(1) / (p * maximum(sqrt(square_t), least));
        const V along = select(less(size, least), splat<V>(0), product / (p * p));
        for (int64_t o = 0; o < n; o++) row.scale(o, (row.p(o) * along - row.t(o)) * scale);
        return -product * scale;
    }
};

} // namespace loss
} // namespace RESPNET_LEVEL

#include "formulas_focal.hpp"

namespace RESPNET_LEVEL {

#define RESPNET_CASE(name)                                                                         \
    case loss_number::name: f(loss::name{}); break;
#define RESPNET_NUMBER(name) name,

namespace pointwise_number {
enum number : int { RESPNET_POINTWISE_LOSSES(RESPNET_NUMBER) };
}
namespace row_number {
enum number : int { RESPNET_ROW_LOSSES(RESPNET_NUMBER) };
}

// Calls f with the struct of that number; an unknown number does nothing.
template <class F> RESPNET_FN void with_loss(int number, F &&f) {
    namespace loss_number = pointwise_number;
    switch (number) { RESPNET_POINTWISE_LOSSES(RESPNET_CASE) }
}
template <class F> RESPNET_FN void with_row_loss(int number, F &&f) {
    namespace loss_number = row_number;
    switch (number) { RESPNET_ROW_LOSSES(RESPNET_CASE) }
}
#undef RESPNET_CASE
#undef RESPNET_NUMBER

} // namespace RESPNET_LEVEL
