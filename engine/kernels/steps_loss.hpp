// Losses: value and gradient from one step. The reported loss is the mean over the batch, and the
// gradient is the derivative of just that. dims: 0 outputs O, 1 which loss or metric
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

// ------------------------------------------------------------------ pointwise losses
// The order is that of POINTWISE in engine/losses.py.
template <class R> struct huber_of {
    R delta;
    template <class V> inline V value_and_gradient(V p, V t, V &d) const {
        return loss::huber::value_and_gradient(p, t, d, splat<V>(delta));
    }
};
template <class R, class F> RESPNET_INLINE void with_loss(int number, R delta, F &&f) {
    switch (number) {
    case 0:
        f(loss::mse{});
        break;
    case 1:
        f(loss::mae{});
        break;
    case 2:
        f(huber_of<R>{delta});
        break;
    case 3:
        f(loss::binary_cross_entropy{});
        break;
    }
}

// prediction, target, weight?, -> dprediction?; constants: 0 delta (Huber)

RESPNET_INLINE double mean_factor(const respnet_step *s, const respnet_frame *f) {
    return 1.0 / ((double)f->batch * (double)s->dim[MAX_DIMS - 1] * (double)s->dim[0]);
}

template <class R> struct pointwise_operands {
    const R *prediction, *target, *weight;
    R *d;
    R factor;
    pointwise_operands(const respnet_step *s, const respnet_frame *f)
        : prediction(at<R>(s, f, 0)), target(at<R>(s, f, 1)), weight(at<R>(s, f, 2)),
          d(at<R>(s, f, 3)), factor(R(mean_factor(s, f))) {}
};

// Columns: `part` of the lanes are rows of the batch.
template <class R, class Loss>
RESPNET_INLINE wide<R> pointwise_vector(const Loss &loss, const pointwise_operands<R> &p, int64_t i,
                                        wide<R> weight, int64_t part) {
    wide<R> d;
    wide<R> value = loss.value_and_gradient(load_part<wide<R>>(p.prediction + i, part),
                                            load_part<wide<R>>(p.target + i, part), d);
    if (p.d)
        store_part<wide<R>>(p.d + i, first_lanes<R>(d * weight * splat<wide<R>>(p.factor), part),
                            WIDE<R>);
    return first_lanes<R>(value * weight, part);
}

template <class R> static void pointwise_loss_lanes(const respnet_step *s, respnet_frame *f) {
    const pointwise_operands<R> p(s, f);
    wide<R> sum{};
    with_loss((int)s->dim[1], R(s->constant[0]), [&](auto loss) {
        for (int64_t o = 0; o < s->dim[0]; o++)
            for (int64_t r = 0; r < padded<R>(f->rows); r += WIDE<R>) {
                const int64_t left = f->rows - r, part = left < 0         ? 0
                                                         : left < WIDE<R> ? left
                                                                          : WIDE<R>;
                const wide<R> weight =
                    p.weight ? load_part<wide<R>>(p.weight + r, part) : splat<wide<R>>(R(1));
                sum += pointwise_vector<R>(loss, p, o * f->stride + r, weight, part);
            }
    });
    f->loss += (double)sum_lanes(sum) * mean_factor(s, f);
}

template <class R> static void pointwise_loss_rows(const respnet_step *s, respnet_frame *f) {
    const pointwise_operands<R> p(s, f);
    const int64_t O = s->dim[0], rows = rows_of(s, f);
    const int64_t spans = p.weight ? rows : 1, length = p.weight ? O : rows * O;
    wide<R> sum{};
    with_loss((int)s->dim[1], R(s->constant[0]), [&](auto loss) {
        for (int64_t k = 0; k < spans; k++) {
            const wide<R> weight = splat<wide<R>>(p.weight ? p.weight[k] : R(1));
            for (int64_t i = 0; i < length; i += WIDE<R>) {
                const int64_t part = length - i < WIDE<R> ? length - i : WIDE<R>,
                              j = k * length + i;
                wide<R> d;
                const wide<R> value =
                    loss.value_and_gradient(load_part<wide<R>>(p.prediction + j, part),
                                            load_part<wide<R>>(p.target + j, part), d);
                if (p.d) store_part<wide<R>>(p.d + j, d * weight * splat<wide<R>>(p.factor), part);
                sum += first_lanes<R>(value * weight, part);
            }
        }
    });
    f->loss += (double)sum_lanes(sum) * mean_factor(s, f);
}

// ------------------------------------------------------------------ softmax cross-entropy
// logits, target, weight?, -> dlogits. Rows in the lanes; SPARSE targets are class numbers.

// One vector of rows: z, d columns at distance `stride`, t at `target_stride`. Returns the values.
template <class R, bool SPARSE>
RESPNET_INLINE wide<R> crossentropy_vector(int64_t outputs, const R *z, const R *t, R *d,
                                           int64_t stride, int64_t target_stride, wide<R> factor) {
    wide<R> top = load<wide<R>>(z);
    for (int64_t o = 1; o < outputs; o++) top = maximum(top, load<wide<R>>(z + o * stride));
    wide<R> sum{};
    for (int64_t o = 0; o < outputs; o++) {
        const wide<R> e = exp(load<wide<R>>(z + o * stride) - top);
        sum += e;
        store<wide<R>>(d + o * stride, e);
    }
    const wide<R> number = load<wide<R>>(t), log_sum = log(sum) + top;
    wide<R> value{}, total = splat<wide<R>>(R(!!SPARSE));
    if constexpr (!SPARSE)
        for (int64_t o = 0; o < outputs; o++) total += load<wide<R>>(t + o * target_stride);
    const wide<R> scale = total / sum;
    for (int64_t o = 0; o < outputs; o++) {
        wide<R> target;
        if constexpr (SPARSE)
            target = select(number == splat<wide<R>>(R(o)), splat<wide<R>>(R(1)), wide<R>{});
        else
            target = load<wide<R>>(t + o * target_stride);
        value += target * (log_sum - load<wide<R>>(z + o * stride));
        store<wide<R>>(d + o * stride, (load<wide<R>>(d + o * stride) * scale - target) * factor);
    }
    return value;
}

template <class R, bool SPARSE>
static void crossentropy_lanes(const respnet_step *s, respnet_frame *f) {
    const R *z = at<R>(s, f, 0), *t = at<R>(s, f, 1), *weight = at<R>(s, f, 2);
    R *d = at<R>(s, f, 3);
    const R mean = R(1.0 / (double)f->batch);
    wide<R> sum{};
    for (int64_t r = 0; r < padded<R>(f->rows); r += WIDE<R>) {
        const int64_t left = f->rows - r;
        wide<R> w = splat<wide<R>>(R(1));
        if (weight)
            w = load_part<wide<R>>(weight + r, left < 0 ? 0 : left < WIDE<R> ? left : WIDE<R>);
        w = first_lanes<R>(w, left);
        sum += w * crossentropy_vector<R, SPARSE>(s->dim[0], z + r, t + r, d + r, f->stride,
                                                  f->stride, w * splat<wide<R>>(mean));
    }
    f->loss += (double)sum_lanes(sum) / (double)f->batch;
}

// Rows layout: vectors of rows are turned into columns on the stack, as long as these are few.
constexpr int64_t TURNED_COLUMNS = 128;

template <class R, bool SPARSE> static double crossentropy_turned(int64_t outputs, int64_t rows,
                                                                  const R *z, const R *t,
                                                                  const R *weight, R *d, R mean) {
    constexpr int64_t W = WIDE<R>;
    R zs[TURNED_COLUMNS * W], ts[(SPARSE ? 1 : TURNED_COLUMNS) * W], ds[TURNED_COLUMNS * W], ws[W];
    const int64_t targets = SPARSE ? 1 : outputs;
    for (int64_t r = 0; r < W; r++) {
        const bool real = r < rows;
        for (int64_t o = 0; o < outputs; o++) zs[o * W + r] = real ? z[r * outputs + o] : R(0);
        for (int64_t o = 0; o < targets; o++) ts[o * W + r] = real ? t[r * targets + o] : R(0);
        ws[r] = !real ? R(0) : weight ? weight[r] : R(1);
    }
    const wide<R> w = load<wide<R>>(ws);
    const wide<R> value =
        crossentropy_vector<R, SPARSE>(outputs, zs, ts, ds, W, W, w * splat<wide<R>>(mean));
    for (int64_t r = 0; r < rows; r++)
        for (int64_t o = 0; o < outputs; o++) d[r * outputs + o] = ds[o * W + r];
    return (double)sum_lanes(value * w);
}

// One row with many outputs: the sum of exponentials runs along the row.
template <class R, bool SPARSE>
static double crossentropy_row(int64_t outputs, const R *z, const R *t, R weight, R *d, R mean) {
    R top = z[0];
    for (int64_t o = 1; o < outputs; o++) top = z[o] > top ? z[o] : top;
    softmax_rows<R>(z, outputs, d, outputs, 1, outputs);
    double value = 0;
    wide<R> sum{};
    for (int64_t o = 0; o < outputs; o += WIDE<R>) {
        const int64_t part = outputs - o < WIDE<R> ? outputs - o : WIDE<R>;
        sum += first_lanes<R>(exp(load_part<wide<R>>(z + o, part) - splat<wide<R>>(top)), part);
    }
    const double log_sum = (double)log(sum_lanes(sum)) + (double)top;
    R total = SPARSE;
    if (!SPARSE)
        for (int64_t o = 0; o < outputs; o++) total += t[o];
    for (int64_t o = 0; o < outputs; o++) {
        const R target = SPARSE ? R(R(o) == *t) : t[o];
        if (target != 0) value += (double)target * (log_sum - (double)z[o]);
        d[o] = (d[o] * total - target) * weight * mean;
    }
    return value * (double)weight;
}

template <class R, bool SPARSE>
static void crossentropy_rows(const respnet_step *s, respnet_frame *f) {
    const int64_t O = s->dim[0], T = SPARSE ? 1 : O, W = O <= TURNED_COLUMNS ? WIDE<R> : 1;
    const R *z = at<R>(s, f, 0), *t = at<R>(s, f, 1), *weight = at<R>(s, f, 2);
    R *d = at<R>(s, f, 3);
    const int64_t all = rows_of(s, f);
    const double count = (double)f->batch * (double)s->dim[MAX_DIMS - 1];
    const R mean = R(1.0 / count);
    double sum = 0;
    for (int64_t r = 0; r < all; r += W) {
        const int64_t rows = all - r < W ? all - r : W;
        sum += W == 1
                   ? crossentropy_row<R, SPARSE>(O, z + r * O, t + r * T, weight ? weight[r] : R(1),
                                                 d + r * O, mean)
                   : crossentropy_turned<R, SPARSE>(O, rows, z + r * O, t + r * T,
                                                    weight ? weight + r : nullptr, d + r * O, mean);
    }
    f->loss += sum / count;
}

// ------------------------------------------------------------------ metrics
// prediction, target -> the frame. step_p, step_t: distance of two outputs of one row.

enum {
    METRIC_CLASS_ERROR,
    METRIC_SPARSE_CLASS_ERROR,
    METRIC_BINARY_ERROR,
    METRIC_LOGIT_ERROR,
    METRIC_ABSOLUTE_ERROR
}; // in the order of METRICS in engine/losses.py

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

template <class R> static void metric_rows(const respnet_step *s, respnet_frame *f) {
    const int64_t O = s->dim[0], T = s->dim[2];
    const R *p = at<R>(s, f, 0), *t = at<R>(s, f, 1);
    double sum = 0;
    const int64_t rows = rows_of(s, f);
    for (int64_t r = 0; r < rows; r++)
        sum += metric_of<R>(s->dim[1], O, p + r * O, 1, t + r * T, 1);
    f->metric += sum / ((double)f->batch * (double)s->dim[MAX_DIMS - 1]);
}
template <class R> static void metric_lanes(const respnet_step *s, respnet_frame *f) {
    const R *p = at<R>(s, f, 0), *t = at<R>(s, f, 1);
    double sum = 0;
    for (int64_t r = 0; r < f->rows; r++)
        sum += metric_of<R>(s->dim[1], s->dim[0], p + r, f->stride, t + r, f->stride);
    f->metric += sum / (double)f->batch;
}

} // namespace RESPNET_LEVEL
