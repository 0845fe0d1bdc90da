// Normalisation. Rows are those along the last axis, all of them for the statistics of a batch.
//
// Sums over rows are vectorised over columns and made in runs, so that rounding does not grow with
// the number of rows; sums along a row use wide<R>. dims: 0 columns N; constants: 0 epsilon
#pragma once

#include "softmax.hpp"
#include "step.hpp"

namespace RESPNET_LEVEL {

constexpr int64_t RUN = 64;

// Sum of term(row) over all rows.
template <class V, class F> RESPNET_INLINE V sum_of_rows(int64_t rows, F term) {
    V total{};
    for (int64_t first = 0; first < rows; first += RUN) {
        const int64_t last = first + RUN < rows ? first + RUN : rows;
        V sum{};
        for (int64_t r = first; r < last; r++) sum += term(r);
        total += sum;
    }
    return total;
}

// How many rows count: all, or those whose weight is 1 (never quite 0, as in Keras).
template <class R> RESPNET_INLINE R weight_of_rows(const R *weight, int64_t rows) {
    if (!weight) return R(rows);
    return sum_of_rows<R>(rows, [&](int64_t r) { return weight[r]; }) + R(1e-7);
}

// x, weight? -> mean (N), variance (N)
template <class R> static void moments_rows(const respnet_step *s, respnet_frame *f) {
    typedef wide<R> W;
    const int64_t N = s->dim[0], rows = rows_of(s, f);
    const R *x = at<R>(s, f, 0), *weight = at<R>(s, f, 1);
    R *mean = at<R>(s, f, 2), *variance = at<R>(s, f, 3);
    const W share = splat<W>(1 / weight_of_rows(weight, rows));
    along<W>(N, [&](int64_t n, int64_t part) {
        const auto weighted = [&](W v, int64_t r) { return weight ? v * splat<W>(weight[r]) : v; };
        const W m = share * sum_of_rows<W>(rows, [&](int64_t r) {
            return weighted(load_part<W>(x + r * N + n, part), r);
        });
        const W v = share * sum_of_rows<W>(rows, [&](int64_t r) {
            const W from = load_part<W>(x + r * N + n, part) - m;
            return weighted(from * from, r);
        });
        store_part(mean + n, m, part);
        store_part(variance + n, v, part);
    });
}

// Columns n.. of what normalising needs; an absent gamma is 1.
template <class R> struct normal_columns {
    typedef wide<R> W;
    W mean, scale, gamma;
    normal_columns(const respnet_step *s, const R *mean, const R *variance, const R *gamma,
                   int64_t n, int64_t part)
        : mean(load_part<W>(mean + n, part)),
          scale(splat<W>(1) / sqrt(load_part<W>(variance + n, part) + splat<W>(s->constant[0]))),
          gamma(gamma ? load_part<W>(gamma + n, part) : splat<W>(1)) {}
    W of(W x) const { return (x - mean) * scale; }
};

// x, mean (N), variance (N), gamma? (N), beta? (N) -> y
template <class R> static void normalize_forward_rows(const respnet_step *s, respnet_frame *f) {
    typedef wide<R> W;
    const int64_t N = s->dim[0], rows = rows_of(s, f);
    const R *x = at<R>(s, f, 0), *beta = at<R>(s, f, 4);
    R *y = at<R>(s, f, 5);
    along<W>(N, [&](int64_t n, int64_t part) {
        const normal_columns<R> c(s, at<R>(s, f, 1), at<R>(s, f, 2), at<R>(s, f, 3), n, part);
        const W factor = c.scale * c.gamma, shift = beta ? load_part<W>(beta + n, part) : W{};
        for (int64_t r = 0; r < rows; r++) {
            const W from = load_part<W>(x + r * N + n, part) - c.mean;
            store_part(y + r * N + n, multiply_add(from, factor, shift), part);
        }
    });
}

// x, mean, variance, gamma?, weight?, dy -> dx?, dgamma?, dbeta?
// dims: 1 mean and variance are constants (else moments of x), 3 gradients are always added to
template <class R> static void normalize_backward_rows(const respnet_step *s, respnet_frame *f) {
    typedef wide<R> W;
    const int64_t N = s->dim[0], rows = rows_of(s, f);
    const bool fixed = s->dim[1], add = f->accumulate || s->dim[3];
    const R *x = at<R>(s, f, 0), *weight = at<R>(s, f, 4), *dy = at<R>(s, f, 5);
    R *dx = at<R>(s, f, 6), *dgamma = at<R>(s, f, 7), *dbeta = at<R>(s, f, 8);
    const W share = splat<W>(1 / weight_of_rows(weight, rows));
    along<W>(N, [&](int64_t n, int64_t part) {
        const normal_columns<R> c(s, at<R>(s, f, 1), at<R>(s, f, 2), at<R>(s, f, 3), n, part);
        const auto in = [&](const R *p, int64_t r) { return load_part<W>(p + r * N + n, part); };
        const auto gather = [&](R *sum, W v) {
            if (sum) store_part(sum + n, add ? load_part<W>(sum + n, part) + v : v, part);
        };
        const W sum = sum_of_rows<W>(rows, [&](int64_t r) { return in(dy, r); });
        const W dot = sum_of_rows<W>(rows, [&](int64_t r) { return in(dy, r) * c.of(in(x, r)); });
        gather(dgamma, dot);
        gather(dbeta, sum);
        if (!dx) return;
        const W factor = c.scale * c.gamma;
        for (int64_t r = 0; r < rows; r++) {
            W d = in(dy, r);
            if (!fixed) {
                const W part_of_it = weight ? share * splat<W>(weight[r]) : share;
                d -= part_of_it * multiply_add(c.of(in(x, r)), dot, sum);
            }
            store_part(dx + r * N + n, factor * d, part);
        }
    });
}

// value (N), average (N) -> average, moved by 1 - momentum of the way; constant 0 momentum.
// A batch with a fault moves nothing.
template <class R> static void moving_average_rows(const respnet_step *s, respnet_frame *f) {
    const R rate = R(1 - s->constant[0]);
    const R *value = at<R>(s, f, 0);
    R *average = at<R>(s, f, 2);
    if (f->fault) return;
    for (int64_t n = 0; n < s->dim[0]; n++) average[n] += rate * (value[n] - average[n]);
}

// Sum of term(first column, columns) over a row.
template <class R, class F> RESPNET_INLINE R sum_of_row(int64_t n, F term) {
    wide<R> sum{};
    along<wide<R>>(n, [&](int64_t i, int64_t part) { sum += term(i, part); });
    return sum_lanes(sum);
}

// x, gamma? (N), beta? (N) -> y, statistics (mean and 1 / deviation of each row)
template <class R> static void layer_norm_forward_rows(const respnet_step *s, respnet_frame *f) {
    typedef wide<R> W;
    const int64_t N = s->dim[0];
    const R *x = at<R>(s, f, 0), *gamma = at<R>(s, f, 1), *beta = at<R>(s, f, 2);
    R *y = at<R>(s, f, 3), *statistics = at<R>(s, f, 4);
    for (int64_t r = 0; r < rows_of(s, f); r++, x += N, y += N, statistics += 2) {
        const R mean = sum_of_row<R>(N, [&](int64_t i, int64_t part) {
            return load_part<W>(x + i, part);
        }) / R(N);
        along<W>(N, [&](int64_t i, int64_t part) { // y: the distance from the mean, for now
            store_part(y + i, load_part<W>(x + i, part) - splat<W>(mean), part);
        });
        const R variance = sum_of_row<R>(N, [&](int64_t i, int64_t part) {
            const W from = load_part<W>(y + i, part);
            return from * from;
        }) / R(N);
        const R scale = 1 / sqrt(variance + R(s->constant[0]));
        along<W>(N, [&](int64_t i, int64_t part) {
            const W factor = gamma ? splat<W>(scale) * load_part<W>(gamma + i, part)
                                   : splat<W>(scale);
            const W shift = beta ? load_part<W>(beta + i, part) : W{};
            store_part(y + i, multiply_add(load_part<W>(y + i, part), factor, shift), part);
        });
        statistics[0] = mean;
        statistics[1] = scale;
    }
}

// x, gamma?, statistics, dy -> dx?, dgamma?, dbeta?; dim 3 gradients are always added to
template <class R> static void layer_norm_backward_rows(const respnet_step *s, respnet_frame *f) {
    typedef wide<R> W;
    const int64_t N = s->dim[0];
    const R *x = at<R>(s, f, 0), *gamma = at<R>(s, f, 1), *statistics = at<R>(s, f, 2);
    const R *dy = at<R>(s, f, 3);
    R *dx = at<R>(s, f, 4), *dgamma = at<R>(s, f, 5), *dbeta = at<R>(s, f, 6);
    const bool add = f->accumulate || s->dim[3];
    if (dgamma && !add) memset(dgamma, 0, N * sizeof(R));
    if (dbeta && !add) memset(dbeta, 0, N * sizeof(R));
    for (int64_t r = 0; r < rows_of(s, f); r++, x += N, dy += N, statistics += 2) {
        const W mean = splat<W>(statistics[0]), scale = splat<W>(statistics[1]);
        const auto normal = [&](int64_t i, int64_t part) {
            return (load_part<W>(x + i, part) - mean) * scale;
        };
        const auto scaled = [&](int64_t i, int64_t part) {
            const W d = load_part<W>(dy + i, part);
            return gamma ? d * load_part<W>(gamma + i, part) : d;
        };
        const W sum = splat<W>(sum_of_row<R>(N, scaled) / R(N));
        const W dot = splat<W>(sum_of_row<R>(N, [&](int64_t i, int64_t part) {
            return scaled(i, part) * normal(i, part);
        }) / R(N));
        along<W>(N, [&](int64_t i, int64_t part) {
            const W d = load_part<W>(dy + i, part), x_i = normal(i, part);
            if (dgamma)
                store_part(dgamma + i, load_part<W>(dgamma + i, part) + d * x_i, part);
            if (dbeta) store_part(dbeta + i, load_part<W>(dbeta + i, part) + d, part);
            const W own = scaled(i, part) - multiply_add(x_i, dot, sum);
            if (dx) store_part(dx + i, scale * own, part);
        });
        if (dx) dx += N;
    }
}

} // namespace RESPNET_LEVEL
