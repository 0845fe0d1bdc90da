// What the recurrent kernels share: panels of gates, products into them, activations of cells.
//
// Gates are packed by panels of one register of units: [panel][k][gate][lanes], so a tile holds all
// gates of a few rows and of LANES units, and the cell is computed from its registers. All gates
// are summed over k in order, first of x, then of h, at every level. Few units in the last panel
// would leave most lanes empty: there one register holds several gates (joined).
// States live in compact (B,H) scratch; rows are apart(H) numbers apart, which is never a
// multiple of 4096 bytes: rows that far apart would all want the same lines of the cache.
#pragma once

#include "gemm.hpp"
#include "gemv.hpp"
#include "step.hpp"

namespace RESPNET_LEVEL {

RESPNET_INLINE int64_t apart(int64_t n) { return (n + 15) / 16 * 16 + 16; }

// each_register to and fro: what a step of time read last is still in the cache when the next
// begins.
template <class R, class F> RESPNET_INLINE void each_register_in_turn(int64_t t, int64_t H, F f) {
    if (t % 2 == 0) return each_register<R>(H, f);
    for (int64_t u = (H - 1) / LANES<R> * LANES<R>; u >= 0; u -= LANES<R>)
        f(u, H - u < LANES<R> ? H - u : (int64_t)LANES<R>);
}

// f(pointer, part) is load_part; whole registers are loaded whole.
template <class R> RESPNET_INLINE vec<R> load_units(const R *p, int64_t part) {
    return part == LANES<R> ? load<vec<R>>(p) : load_part<vec<R>>(p, part);
}
template <class R> RESPNET_INLINE void store_units(R *p, vec<R> x, int64_t part) {
    if (part == LANES<R>) store(p, x);
    else store_part(p, x, part);
}
template <class R> RESPNET_INLINE vec<R> load_or_zero(const R *p, int64_t offset, int64_t part) {
    return p ? load_units(p + offset, part) : vec<R>{};
}

// --------------------------------------------------------------------------------- activations

// tanh and sigmoid, inlined; or any two by their numbers.
template <class R> struct usual_activations {
    typedef vec<R> V;
    usual_activations(int, int) {}
    V cell(V x) const { return activation::tanh::forward(x); }
    V gate(V x) const { return activation::sigmoid::forward(x); }
    V cell_slope(V y, V dy) const { return activation::tanh::backward(y, y, dy); }
    V gate_slope(V y, V dy) const { return activation::sigmoid::backward(y, y, dy); }
};

template <class R>
__attribute__((noinline)) vec<R> activation_slope(int number, vec<R> y, vec<R> dy) {
    vec<R> dx = dy;
    with_activation(number, [&](auto tag) { dx = decltype(tag)::backward(y, y, dy); });
    return dx;
}

template <class R> struct any_activations {
    typedef vec<R> V;
    int cell_number, gate_number;
    any_activations(int cell, int gate) : cell_number(cell), gate_number(gate) {}
    static V apply(int number, V x) {
        activate<R>(number, &x, 1);
        return x;
    }
    V cell(V x) const { return apply(cell_number, x); }
    V gate(V x) const { return apply(gate_number, x); }
    V cell_slope(V y, V dy) const { return activation_slope<R>(cell_number, y, dy); }
    V gate_slope(V y, V dy) const { return activation_slope<R>(gate_number, y, dy); }
};

template <class R, class F> RESPNET_INLINE void with_cell(int64_t cell, int64_t gate, F f) {
    if (cell == activation::number_tanh && gate == activation::number_sigmoid)
        f(usual_activations<R>((int)cell, (int)gate));
    else f(any_activations<R>((int)cell, (int)gate));
}

// --------------------------------------------------------------------------------------- panels

// Elements of the packed gates of a B (K, gates * H).
template <class R> int64_t gates_size(int64_t K, int64_t H, int64_t gates) {
    return K * gates * ((H + LANES<R> - 1) / LANES<R> * LANES<R>);
}

// Gates in one register of a panel of so many units; they lie LANES / joined apart.
template <class R> RESPNET_INLINE int gates_joined(int64_t units) {
    return units * 4 <= LANES<R> ? 4 : units * 2 <= LANES<R> ? 2 : 1;
}

// Calls f with the gates in a register as a type, if they are more than one; returns whether.
template <class R, class F> RESPNET_INLINE bool if_joined(int64_t units, F f) {
    const int joined = gates_joined<R>(units);
    if (joined == 2) f(std::integral_constant<int, LANES<R> < 2 ? 1 : 2>());
    if (joined == 4) f(std::integral_constant<int, LANES<R> < 4 ? 2 : 4>());
    return joined > 1;
}

template <class R> void pack_gates(const R *B, int64_t K, int64_t H, int64_t gates, R *out) {
    each_register<R>(H, [&](int64_t u, int64_t part) {
        const int64_t joined = gates_joined<R>(part), slot = LANES<R> / joined;
        const int64_t width = (gates + joined - 1) / joined * LANES<R>;
        for (int64_t k = 0; k < K; k++, out += width) {
            if (joined > 1) memset(out, 0, width * sizeof(R));
            for (int64_t g = 0; g < gates; g++) {
                const vec<R> b = load_part<vec<R>>(B + (k * gates + g) * H + u, part);
                store_part(out + g * slot, b, slot);
            }
        }
    });
}

// Rows of a tile of four sums each.
constexpr int CELL_ROWS = RESPNET_VECTOR_BYTES == 64 ? 6 : 3;

// Numbers of its panel that a tile fetches ahead of those in use.
template <class R> constexpr int64_t NEAR = 1024 / sizeof(R);

// c[i][g] += A B for the gates of one panel; the last gate of the panel goes to sum LAST. Meanwhile
// the numbers `ahead` of those in use come near: with FAR as far as the second-level cache only, or
// they would push out what is in use.
template <class R, int ROWS, int GATES, int LAST, bool FAR>
RESPNET_INLINE void multiply_gates(int64_t K, const R *a, int64_t lda, const R *panel,
                                   int64_t ahead, vec<R> (&c)[ROWS][4]) {
    for (int64_t k = 0; k < K; k++, panel += GATES * LANES<R>) {
        vec<R> a_k[ROWS];
        RESPNET_UNROLL for (int i = 0; i < ROWS; i++) a_k[i] = splat<vec<R>>(a[i * lda + k]);
        RESPNET_UNROLL for (int g = 0; g < GATES; g++) {
            const vec<R> b = load<vec<R>>(panel + g * LANES<R>);
            __builtin_prefetch(panel + g * LANES<R> + ahead, 0, FAR ? 2 : 3);
            RESPNET_UNROLL for (int i = 0; i < ROWS; i++)
                c[i][g < GATES - 1 ? g : LAST] += a_k[i] * b;
        }
    }
}

// One row leaves too few independent sums: k is dealt to four.
template <class R, int GATES, int LAST>
RESPNET_INLINE void multiply_gates_of_row(int64_t K, const R *a, const R *panel,
                                          vec<R> (&c)[1][4]) {
    vec<R> sum[4][GATES] = {};
    const auto step = [&](int s, R a_k) {
        RESPNET_UNROLL for (int g = 0; g < GATES; g++) {
            sum[s][g] += splat<vec<R>>(a_k) * load<vec<R>>(panel + g * LANES<R>);
        }
        panel += GATES * LANES<R>;
    };
    int64_t k = 0;
    for (; k + 4 <= K; k += 4)
        RESPNET_UNROLL for (int s = 0; s < 4; s++) step(s, a[k + s]);
    RESPNET_UNROLL for (int s = 0; s < 3; s++)
        if (k + s < K) step(s, a[k + s]);
    RESPNET_UNROLL for (int g = 0; g < GATES; g++)
        c[0][g < GATES - 1 ? g : LAST] += (sum[0][g] + sum[1][g]) + (sum[2][g] + sum[3][g]);
}

// next: numbers to the panel that is wanted after this one, or 0.
template <class R, int ROWS, int GATES, int LAST>
RESPNET_INLINE void add_product(int64_t K, const R *a, int64_t lda, const R *panel, int64_t next,
                                vec<R> (&c)[ROWS][4]) {
    if constexpr (ROWS == 1) multiply_gates_of_row<R, GATES, LAST>(K, a, panel, c);
    else if (next) multiply_gates<R, ROWS, GATES, LAST, true>(K, a, lda, panel, next, c);
    else multiply_gates<R, ROWS, GATES, LAST, false>(K, a, lda, panel, NEAR<R>, c);
}

// Calls f with a number of rows as a type, 1 to CELL_ROWS.
template <class F> RESPNET_INLINE void with_rows(int rows, F f) {
    switch (rows) {
    case 1: return f(std::integral_constant<int, 1>());
    case 2: return f(std::integral_constant<int, 2>());
    case 3: return f(std::integral_constant<int, 3>());
    case 4: return f(std::integral_constant<int, CELL_ROWS < 4 ? 1 : 4>());
    case 5: return f(std::integral_constant<int, CELL_ROWS < 5 ? 1 : 5>());
    case 6: return f(std::integral_constant<int, CELL_ROWS < 6 ? 1 : 6>());
    }
}

// The first `n` lanes of a, then those of b.
template <int n, class V, int... I>
RESPNET_INLINE V join_lanes(V a, V b, std::integer_sequence<int, I...>) {
    constexpr int lanes = sizeof...(I);
    return __builtin_shufflevector(a, b, (I < n || I >= 2 * n ? I : lanes + I - n)...);
}
// Lane n of a comes first.
template <int n, class V, int... I>
RESPNET_INLINE V turn_lanes(V a, std::integer_sequence<int, I...>) {
    return __builtin_shufflevector(a, a, ((I + n) % (int)sizeof...(I))...);
}

// The registers of a panel in which JOINED gates are one, from those of the gates; and back, with
// anything in the other lanes.
template <class R, int JOINED> struct few_units {
    typedef vec<R> V;
    static constexpr int slot = LANES<R> / JOINED;
    typedef std::make_integer_sequence<int, LANES<R>> all;
    template <int n> static V pair(V a, V b) { return join_lanes<n>(a, b, all()); }

    static void join(V a, V b, V c, V d, V *out) {
        if constexpr (JOINED == 4) {
            out[0] = pair<2 * slot>(pair<slot>(a, b), pair<slot>(c, d));
        } else {
            out[0] = pair<slot>(a, b);
            out[1] = pair<slot>(c, d);
        }
    }
    template <int g> static V gate(const V *joined) {
        return turn_lanes<g % JOINED * slot>(joined[g / JOINED], all());
    }
};

// c[i][r] += A B for the registers of a panel. All recurrent ops share it.
template <class R, int ROWS, int REGISTERS>
__attribute__((noinline)) void multiply_joined(int64_t K, const R *a, int64_t lda, const R *panel,
                                               vec<R> (*sums)[4]) {
    vec<R> c[ROWS][4];
    memcpy(c, sums, sizeof c);
    add_product<R, ROWS, REGISTERS, REGISTERS - 1>(K, a, lda, panel, 0, c);
    memcpy(sums, c, sizeof c);
}

// add_product for a panel of few units, and a number of rows known at run time only: less code.
template <class R, int GATES, int LAST, int JOINED>
RESPNET_INLINE void add_product_of_few(int rows, int64_t K, const R *a, int64_t lda,
                                       const R *panel, vec<R> (*c)[4]) {
    typedef few_units<R, JOINED> few;
    constexpr int registers = (GATES + JOINED - 1) / JOINED, third = GATES < 4 ? LAST : 2;
    vec<R> sums[CELL_ROWS][4];
    for (int i = 0; i < rows; i++) few::join(c[i][0], c[i][1], c[i][third], c[i][3], sums[i]);
    with_rows(rows, [&](auto n) {
        multiply_joined<R, decltype(n)::value, registers>(K, a, lda, panel, sums);
    });
    for (int i = 0; i < rows; i++) {
        c[i][0] = sums[i][0];
        c[i][1] = few::template gate<1>(sums[i]);
        c[i][third] = few::template gate<2>(sums[i]);
        if (GATES == 4) c[i][3] = few::template gate<3>(sums[i]);
    }
}

// C (M,N) = act(C + A B + bias): B packed in panels, or wide for one row. bias may be null.
template <class R>
static void add_rows(int64_t M, int64_t N, int64_t K, const R *A, int64_t lda, const R *packed,
                     R *C, int64_t ldc, const R *bias, int activation, bool wide) {
    if (!wide) return gemm_panels<R>(M, N, K, A, lda, packed, C, ldc, true, bias, activation);
    if (bias)
        for (int64_t n = 0; n < N; n++) C[n] += bias[n];
    gemv_wide<R>(N, K, A, packed, C, C, activation);
}

// ------------------------------------------------------------------------------------ sequences

// C (M,N) = A B over panels, columns to and fro with t: they stay in the cache as above.
template <class R>
static void multiply_in_turn(int64_t t, int64_t M, int64_t N, int64_t K, const R *A, int64_t lda,
                             const R *panels, R *C, int64_t ldc) {
    constexpr int64_t COLUMNS = 128;
    const int64_t last = (N - 1) / COLUMNS * COLUMNS;
    for (int64_t j = 0; j <= last; j += COLUMNS) {
        const int64_t n = t % 2 ? last - j : j, columns = N - n < COLUMNS ? N - n : COLUMNS;
        gemm_panels<R>(M, columns, K, A, lda, panels + n * K, C + n, ldc, false, nullptr,
                       activation::number_linear);
    }
}

// Numbers to the next panel, for the first block of rows: it has it brought for all.
RESPNET_INLINE int64_t to_next_panel(int64_t row, int64_t t, int64_t panel) {
    return row ? 0 : t % 2 ? -panel : panel;
}

// What every recurrent op is given; optional operands are null. Rows of (B,T,N) lie T * N apart.
template <class R> struct sequence {
    int64_t rows, T, I, H;
    int64_t turn; // parity of the first step
    const R *x, *x_panels; // to be multiplied at each step, or
    const R *sums;         // (B,T,ld_sums) x kernel + bias, made beforehand
    int64_t ld_sums;
    const R *h_panels, *bias, *h0, *mask, *factor;
    R *y, *gates, *scratch;

    sequence(const respnet_step *s, respnet_frame *f)
        : rows(f->rows), T(s->dim[MAX_DIMS - 1]), I(s->dim[0]), H(s->dim[1]), turn(f->turn),
          x(at<R>(s, f, 0)),
          x_panels(at<R>(s, f, 1)), sums(at<R>(s, f, 2)), ld_sums(s->dim[4]),
          h_panels(at<R>(s, f, 3)), bias(at<R>(s, f, 4)), h0(at<R>(s, f, 5)),
          mask(at<R>(s, f, 6)), factor(at<R>(s, f, 7)), y(at<R>(s, f, 8)), gates(at<R>(s, f, 9)),
          scratch(at<R>(s, f, 10)) {
        f->turn += T;
    }

    bool masked(int64_t b, int64_t t) const { return mask && mask[b * T + t] == 0; }

    // h of row b before step t, without factor; null: zeros. `now` is the scratch it multiplies
    // from, which is the nearest copy where there is no factor.
    const R *before(int64_t b, int64_t t, const R *now) const {
        if (!factor) return now + b * apart(H);
        return t ? y + (b * T + t - 1) * H : h0 ? h0 + b * H : nullptr;
    }
    // The state h of row b after step t: where it is kept, and apart for the next product.
    void keep_state(int64_t b, int64_t t, int64_t u, int64_t part, vec<R> h, R *next) const {
        store_units(y + (b * T + t) * H + u, h, part);
        if (factor) h *= load_units(factor + b * H + u, part);
        store_units(next + b * apart(H) + u, h, part);
    }
};

// out (B, apart(H)) = h (B,H) times factor; null: zeros, or ones.
template <class R>
static void copy_state(int64_t rows, int64_t H, const R *h, const R *factor, R *out) {
    for (int64_t b = 0; b < rows; b++)
        each_register<R>(H, [&](int64_t u, int64_t part) {
            vec<R> v = load_or_zero(h, b * H + u, part);
            if (factor) v *= load_units(factor + b * H + u, part);
            store_units(out + b * apart(H) + u, v, part);
        });
}

// Gradients of a sequence, from its last step to its first.
template <class R> struct sequence_gradient {
    int64_t rows, T, H;
    const R *transposed; // packed recurrent_kernel^T
    const R *h0, *mask, *factor, *y;
    R *gates; // in their place: gradients of the sums
    const R *dy, *dh;
    R *dh0;
    R *product, *carried; // (B, apart(H)): parts of dh, through the product and past it
    R *rest;              // scratch after these

    sequence_gradient(const respnet_step *s, const respnet_frame *f)
        : rows(f->rows), T(s->dim[MAX_DIMS - 1]), H(s->dim[1]), transposed(at<R>(s, f, 0)),
          h0(at<R>(s, f, 1)), mask(at<R>(s, f, 2)), factor(at<R>(s, f, 3)), y(at<R>(s, f, 4)),
          gates(at<R>(s, f, 5)), dy(at<R>(s, f, 6)), dh(at<R>(s, f, 7)), dh0(at<R>(s, f, 8)),
          product(at<R>(s, f, 9)), carried(product + rows * apart(H)),
          rest(carried + rows * apart(H)) {
        copy_state<R>(rows, H, nullptr, nullptr, product);
        copy_state<R>(rows, H, dh, nullptr, carried);
    }

    bool masked(int64_t b, int64_t t) const { return mask && mask[b * T + t] == 0; }
    const R *before(int64_t b, int64_t t) const {
        return t ? y + (b * T + t - 1) * H : h0 ? h0 + b * H : nullptr;
    }
    // dh of row b after step t
    __attribute__((always_inline)) vec<R> entering(int64_t b, int64_t t, int64_t u,
                                                   int64_t part) const {
        return multiply_add(past_product(b, u, part), factor_of(b, u, part),
                            load_units(carried + b * apart(H) + u, part)) +
               load_or_zero(dy, (b * T + t) * H + u, part);
    }
    vec<R> past_product(int64_t b, int64_t u, int64_t part) const {
        return load_units(product + b * apart(H) + u, part);
    }
    vec<R> factor_of(int64_t b, int64_t u, int64_t part) const {
        return factor ? load_units(factor + b * H + u, part) : splat<vec<R>>(1);
    }
    void carry(int64_t b, int64_t u, int64_t part, vec<R> d) const {
        store_units(carried + b * apart(H) + u, d, part);
    }
    // After the last step; without a first state nobody wants it.
    void finish() const {
        if (!dh0) return;
        for (int64_t b = 0; b < rows; b++)
            each_register<R>(H, [&](int64_t u, int64_t part) {
                const vec<R> d = multiply_add(past_product(b, u, part), factor_of(b, u, part),
                                              load_units(carried + b * apart(H) + u, part));
                store_units(dh0 + b * H + u, d, part);
            });
    }
};

} // namespace RESPNET_LEVEL
