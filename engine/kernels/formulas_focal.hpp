// Focal losses (Lin et al. 2017), part of formulas_loss.hpp: cross-entropy times (1 - p)^gamma, p
// the probability of what is right, so that what is known already counts less.
#pragma once

namespace RESPNET_LEVEL {
namespace loss {

// x^n for x > 0
template <class V> RESPNET_FN V power(V x, V n) { return exp(n * log(x)); }

// alpha: the weight of targets 1, 1 - alpha that of targets 0; NaN: all weigh 1.
struct binary_focal {
    template <class V>
    static RESPNET_FN V value_and_gradient(V prediction, V target, V &d, options<V> option) {
        const V one = splat<V>(1), t = smoothed(target, option.first), alpha = option.alpha;
        const V p = clipped(prediction, EPSILON, 1 - EPSILON);
        const V entropy = -(t * log(p) + (one - t) * log(one - p));
        const V slope = within(prediction, EPSILON, 1 - EPSILON, (p - t) / (p * (one - p)));
        const V right = t * prediction + (one - t) * (one - prediction);
        const V wrong = maximum(one - right, splat<V>(EPSILON));
        const V balance = t * alpha + (one - t) * (one - alpha);
        const V focus = power(wrong, option.gamma) * select(alpha == alpha, balance, one);
        d = focus * (slope - option.gamma / wrong * (t + t - one) * entropy);
        return focus * entropy;
    }
};

struct binary_focal_logit {
    template <class V>
    static RESPNET_FN V value_and_gradient(V logit, V target, V &d, options<V> option) {
        const V p = sigmoid(logit);
        const V value = binary_focal::value_and_gradient(p, target, d, option);
        d = d * p * (splat<V>(1) - p);
        return value;
    }
};

// -alpha t (1 - p)^gamma log p of one output, p its share q kept EPSILON away from 0 and 1
template <class V> RESPNET_FN V focal_term(V t, V q, V &dq, options<V> o) {
    const V p = clipped(q, EPSILON, 1 - EPSILON), wrong = splat<V>(1) - p;
    const V focus = o.alpha * t * power(wrong, o.gamma), logarithm = log(p);
    dq = within(q, EPSILON, 1 - EPSILON, focus * (o.gamma * logarithm / wrong - splat<V>(1) / p));
    return -focus * logarithm;
}

struct categorical_focal {
    template <class V, class Row> static RESPNET_FN V of_row(int64_t n, Row &row, options<V> o) {
        const categorical_targets<V> targets(n, o.first);
        return of_shares<V>(
            n, row, [&](int64_t i, V q, V &dq) { return focal_term(targets(row, i), q, dq, o); });
    }
};

// Shares are those of softmax; the slope of a logit is q (dq - sum q dq).
struct categorical_focal_logits {
    template <class V, class Row> static RESPNET_FN V of_row(int64_t n, Row &row, options<V> o) {
        const categorical_targets<V> targets(n, o.first);
        V top = row.p(0), sum = splat<V>(0), value = splat<V>(0), shift = splat<V>(0), dq;
        for (int64_t i = 1; i < n; i++) top = maximum(top, row.p(i));
        for (int64_t i = 0; i < n; i++) {
            row.d(i, exp(row.p(i) - top));
            sum += row.d(i);
        }
        for (int64_t i = 0; i < n; i++) {
            const V q = row.d(i) / sum;
            value += focal_term(targets(row, i), q, dq, o);
            shift += q * dq;
        }
        for (int64_t i = 0; i < n; i++) {
            const V q = row.d(i) / sum;
            focal_term(targets(row, i), q, dq, o);
            row.scale(i, q * (dq - shift));
        }
        return value;
    }
};

} // namespace loss
} // namespace RESPNET_LEVEL
