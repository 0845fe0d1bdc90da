// Losses: value and gradient from one step. What is reported is the mean over the places that count
// (respnet_term), and the gradient is the derivative of just that, times the weight of the term.
//
// prediction, target, weight?, -> dprediction
// dims: 0 outputs O, 1 which loss or metric, 2 columns of the target, 3 term, 4 reduction
// constants: 0 weight of the term, 1 to 3 the options of the loss (metric: 1 the ignored class)
#pragma once

#include "formulas.hpp"
#include "softmax.hpp"
#include "step.hpp"

namespace RESPNET_LEVEL {

// Lanes 0..part-1 of x, the others 0.
template <class R> RESPNET_INLINE wide<R> first_lanes(wide<R> x, int64_t part) {
    if (part >= WIDE<R>) return x;
    R t[WIDE<R>];
    store<wide<R>>(t, x);
    for (int64_t i = part < 0 ? 0 : part; i < WIDE<R>; i++) t[i] = 0;
    return load<wide<R>>(t);
}

// What a batch is: the mean over places that count; a sum; or a number of each place, whose mean is
// reported and whose sum is trained, as in Keras. The order is that of REDUCTIONS in losses.py.
enum { REDUCTION_MEAN, REDUCTION_SUM, REDUCTION_NONE };

template <class R> struct loss_operands {
    const R *prediction, *target, *weight;
    R *d;
    loss::options<R> option;
    int64_t outputs, targets, reduction;
    double batch; // places in it
    respnet_term *term;
    loss_operands(const respnet_step *s, respnet_frame *f)
        : prediction(at<R>(s, f, 0)), target(at<R>(s, f, 1)), weight(at<R>(s, f, 2)),
          d(at<R>(s, f, 3)),
          option{R(s->constant[1]), R(s->constant[2]), R(s->constant[3])}, outputs(s->dim[0]),
          targets(s->dim[2]), reduction(s->dim[4]),
          batch((double)(f->batch * s->dim[MAX_DIMS - 1])), term(f->term + s->dim[3]) {}
    // What one place is of the value; `numbers` make one loss. Nothing counts: 0, as Keras has it.
    double share(double numbers) const {
        const double count = reduction == REDUCTION_MEAN  ? term->count
                             : reduction == REDUCTION_SUM ? 1.0
                                                          : batch;
        return count > 0 ? 1.0 / (count * numbers) : 0.0;
    }
    // The same of what is trained, times the weight of the term.
    double factor(const respnet_step *s, double numbers) const {
        return s->constant[0] * (reduction == REDUCTION_NONE ? 1.0 / numbers : share(numbers));
    }
    template <class V> loss::options<V> options() const {
        return {splat<V>(option.first), splat<V>(option.gamma), splat<V>(option.alpha)};
    }
};

// Lanes of a vector at row r that are rows of the batch.
template <class R> RESPNET_INLINE int64_t lanes_at(const respnet_frame *f, int64_t r) {
    const int64_t left = f->rows - r;
    return left < 0 ? 0 : left < WIDE<R> ? left : WIDE<R>;
}

// ------------------------------------------------------------------ pointwise losses

template <class R> static void pointwise_loss_lanes(const respnet_step *s, respnet_frame *f) {
    typedef wide<R> V;
    const loss_operands<R> p(s, f);
    const double share = p.share((double)p.outputs);
    const V factor = splat<V>(R(p.factor(s, (double)p.outputs)));
    const auto option = p.template options<V>();
    V sum{};
    with_loss((int)s->dim[1], [&](auto rule) {
        for (int64_t o = 0; o < p.outputs; o++)
            for (int64_t r = 0; r < padded<R>(f->rows); r += WIDE<R>) {
                const int64_t part = lanes_at<R>(f, r), i = o * f->stride + r;
                const V weight = p.weight ? load_part<V>(p.weight + r, part) : splat<V>(R(1));
                V d;
                const V value =
                    rule.value_and_gradient(load_part<V>(p.prediction + i, part),
                                            load_part<V>(p.target + i, part), d, option);
                store<V>(p.d + i, first_lanes<R>(d * weight * factor, part));
                sum += first_lanes<R>(value * weight, part);
            }
    });
    p.term->loss += (double)sum_lanes(sum) * share;
}

template <class R> static void pointwise_loss_rows(const respnet_step *s, respnet_frame *f) {
    typedef wide<R> V;
    const loss_operands<R> p(s, f);
    const double share = p.share((double)p.outputs);
    const V factor = splat<V>(R(p.factor(s, (double)p.outputs)));
    const auto option = p.template options<V>();
    const int64_t rows = rows_of(s, f);
    const int64_t spans = p.weight ? rows : 1, length = p.weight ? p.outputs : rows * p.outputs;
    V sum{};
    with_loss((int)s->dim[1], [&](auto rule) {
        for (int64_t k = 0; k < spans; k++) {
            const V weight = splat<V>(p.weight ? p.weight[k] : R(1));
            for (int64_t i = 0; i < length; i += WIDE<R>) {
                const int64_t part = length - i < WIDE<R> ? length - i : WIDE<R>;
                const int64_t j = k * length + i;
                V d;
                const V value =
                    rule.value_and_gradient(load_part<V>(p.prediction + j, part),
                                            load_part<V>(p.target + j, part), d, option);
                store_part<V>(p.d + j, d * weight * factor, part);
                sum += first_lanes<R>(value * weight, part);
            }
        }
    });
    p.term->loss += (double)sum_lanes(sum) * share;
}

// ------------------------------------------------------------------ losses of whole rows
// Rows lie in the lanes of V, `part` of them real; columns of outputs are `stride` numbers apart.

template <class R, class V> struct loss_columns {
    const R *prediction, *target;
    R *gradient;
    int64_t stride, target_stride;
    V factor;
    int64_t part;
    RESPNET_FN V p(int64_t o) const { return load<V>(prediction + o * stride); }
    RESPNET_FN V t(int64_t o) const { return load<V>(target + o * target_stride); }
    RESPNET_FN V d(int64_t o) const { return load<V>(gradient + o * stride); }
    RESPNET_FN void d(int64_t o, V x) { store<V>(gradient + o * stride, x); }
    RESPNET_FN void scale(int64_t o, V x) { store<V>(gradient + o * stride, real(x * factor)); }
    RESPNET_FN V real(V x) const {
        if constexpr (traits<V>::lanes == 1) return x;
        else return first_lanes<R>(x, part);
    }
};

template <class R> static void row_loss_lanes(const respnet_step *s, respnet_frame *f) {
    typedef wide<R> V;
    const loss_operands<R> p(s, f);
    const double share = p.share(1);
    const V factor = splat<V>(R(p.factor(s, 1)));
    const auto option = p.template options<V>();
    V sum{};
    with_row_loss((int)s->dim[1], [&](auto rule) {
        for (int64_t r = 0; r < padded<R>(f->rows); r += WIDE<R>) {
            const int64_t part = lanes_at<R>(f, r);
            const V w = p.weight ? load_part<V>(p.weight + r, part) : splat<V>(R(1));
            loss_columns<R, V> row{p.prediction + r, p.target + r, p.d + r, f->stride,
                                   f->stride,        w * factor,   part};
            sum += row.real(w * rule.template of_row<V>(p.outputs, row, option));
        }
    });
    p.term->loss += (double)sum_lanes(sum) * share;
}

// Rows layout: WIDE rows are turned into columns on the stack, as long as these are few.
constexpr int64_t TURNED_COLUMNS = 128;

template <class R, class Rule>
static double loss_turned(Rule rule, const loss_operands<R> &p, int64_t first, int64_t rows,
                          R factor) {
    typedef wide<R> V;
    constexpr int64_t W = WIDE<R>;
    const int64_t O = p.outputs, T = p.targets;
    const R *z = p.prediction + first * O, *t = p.target + first * T;
    R *d = p.d + first * O;
    R zs[TURNED_COLUMNS * W], ts[TURNED_COLUMNS * W], ds[TURNED_COLUMNS * W], ws[W];
    for (int64_t r = 0; r < W; r++) {
        const bool real = r < rows;
        for (int64_t o = 0; o < O; o++) zs[o * W + r] = real ? z[r * O + o] : R(0);
        for (int64_t o = 0; o < T; o++) ts[o * W + r] = real ? t[r * T + o] : R(0);
        ws[r] = !real ? R(0) : p.weight ? p.weight[first + r] : R(1);
    }
    const V w = load<V>(ws);
    loss_columns<R, V> row{zs, ts, ds, W, W, w * splat<V>(factor), rows};
    const V value = rule.template of_row<V>(O, row, p.template options<V>());
    for (int64_t r = 0; r < rows; r++)
        for (int64_t o = 0; o < O; o++) d[r * O + o] = ds[o * W + r];
    return (double)sum_lanes(row.real(value * w));
}

// One row with many outputs, and softmax cross-entropy: exponentials are taken along the row.
template <class R, class Targets>
static double crossentropy_along(int64_t outputs, const R *z, R *d, const Targets &target, R total,
                                 R factor) {
    const R top = largest_of(z, outputs);
    R value = 0;
    wide<R> sum{};
    along<wide<R>>(outputs, [&](int64_t o, int64_t part) {
        const wide<R> e = exp(load_part<wide<R>>(z + o, part) - splat<wide<R>>(top));
        store_part(d + o, e, part);
        sum += first_lanes<R>(e, part);
    });
    const R all = sum_lanes(sum), log_sum = log(all) + top, scale = total / all;
    for (int64_t o = 0; o < outputs; o++) {
        const R t = target(o);
        value += t * (log_sum - z[o]);
        d[o] = (d[o] * scale - t) * factor;
    }
    return (double)value;
}

template <class R, class Rule>
static double loss_along(Rule rule, const loss_operands<R> &p, int64_t r, R factor) {
    const int64_t O = p.outputs;
    loss_columns<R, R> row{p.prediction + r * O, p.target + r * p.targets, p.d + r * O, 1, 1,
                           factor, 1};
    const auto through = [&](const auto &targets, R total) {
        return crossentropy_along<R>(
            O, row.prediction, row.gradient, [&](int64_t o) { return targets(row, o); }, total,
            factor);
    };
    if constexpr (std::is_same_v<Rule, loss::categorical_crossentropy>) {
        const loss::categorical_targets<R> targets(O, p.option.first);
        R total = 0;
        for (int64_t o = 0; o < O; o++) total += targets(row, o);
        return through(targets, total);
    } else if constexpr (std::is_same_v<Rule, loss::sparse_crossentropy>) {
        const loss::sparse_targets<R> targets(O, row, p.option.first);
        return through(targets, targets.counts);
    } else {
        return (double)rule.template of_row<R>(O, row, p.option);
    }
}

template <class R> static void row_loss_rows(const respnet_step *s, respnet_frame *f) {
    const loss_operands<R> p(s, f);
    const int64_t all = rows_of(s, f);
    const double share = p.share(1);
    const R factor = R(p.factor(s, 1));
    double sum = 0;
    with_row_loss((int)s->dim[1], [&](auto rule) {
        if (p.outputs <= TURNED_COLUMNS) {
            for (int64_t r = 0; r < all; r += WIDE<R>)
                sum += loss_turned(rule, p, r, all - r < WIDE<R> ? all - r : WIDE<R>, factor);
            return;
        }
        for (int64_t r = 0; r < all; r++) {
            const R w = p.weight ? p.weight[r] : R(1);
            sum += (double)w * loss_along(rule, p, r, w * factor);
        }
    });
    p.term->loss += sum * share;
}

// ------------------------------------------------------------------ what counts, and metrics

// mask?, target? (class numbers) -> the term's count; constant 1 the class that is ignored
template <class R> static void count_places(const respnet_step *s, respnet_frame *f) {
    const R *mask = at<R>(s, f, 0), *target = at<R>(s, f, 1);
    const R ignored = R(s->constant[1]);
    int64_t count = 0;
    for (int64_t r = 0; r < rows_of(s, f); r++)
        count += (!mask || mask[r] != 0) && (!target || target[r] != ignored);
    f->term[s->dim[3]].count += (double)count;
}

// prediction, target, mask? -> the term's metric. The order is that of METRICS in losses.py.
enum {
    METRIC_CLASS_ERROR,
    METRIC_SPARSE_CLASS_ERROR,
    METRIC_BINARY_ERROR,
    METRIC_LOGIT_ERROR,
    METRIC_ABSOLUTE_ERROR
};

// step_p, step_t: distance of two outputs of one row.
template <class R> RESPNET_INLINE int64_t argmax(const R *p, int64_t n, int64_t step) {
    int64_t best = 0;
    for (int64_t i = 1; i < n; i++) best = p[i * step] > p[best * step] ? i : best;
    return best;
}

template <class R> RESPNET_INLINE double metric_of(int64_t kind, int64_t outputs, const R *p,
                                                   int64_t step_p, const R *t, int64_t step_t) {
    if (kind == METRIC_CLASS_ERROR) return argmax(p, outputs, step_p) != argmax(t, outputs, step_t);
    if (kind == METRIC_SPARSE_CLASS_ERROR) return (double)argmax(p, outputs, step_p) != (double)*t;
    const double limit = kind == METRIC_LOGIT_ERROR ? 0 : 0.5;
    double sum = 0;
    for (int64_t o = 0; o < outputs; o++) {
        const double a = (double)p[o * step_p], b = (double)t[o * step_t];
        sum += kind != METRIC_ABSOLUTE_ERROR ? (a > limit) != (b > 0.5) : a > b ? a - b : b - a;
    }
    return sum / (double)outputs;
}

// next_p, next_t: distance of two rows; ignored classes have no metric either.
template <class R>
static void metric_over(const respnet_step *s, respnet_frame *f, int64_t step, int64_t next_p,
                        int64_t next_t) {
    const R *p = at<R>(s, f, 0), *t = at<R>(s, f, 1), *mask = at<R>(s, f, 2);
    const bool classes = s->dim[1] == METRIC_SPARSE_CLASS_ERROR;
    const R ignored = R(s->constant[1]);
    respnet_term *term = f->term + s->dim[3];
    double sum = 0;
    for (int64_t r = 0; r < rows_of(s, f); r++)
        if ((!mask || mask[r] != 0) && !(classes && t[r * next_t] == ignored))
            sum += metric_of<R>(s->dim[1], s->dim[0], p + r * next_p, step, t + r * next_t, step);
    if (term->count > 0) term->metric += sum / term->count;
}
template <class R> static void metric_rows(const respnet_step *s, respnet_frame *f) {
    metric_over<R>(s, f, 1, s->dim[0], s->dim[2]);
}
template <class R> static void metric_lanes(const respnet_step *s, respnet_frame *f) {
    metric_over<R>(s, f, f->stride, 1, 1);
}

} // namespace RESPNET_LEVEL
