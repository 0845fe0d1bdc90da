// Matrix products over packed panels.
//
// A panel is a strip of B, two registers wide (one, if that holds the last columns), stored row by
// row: [k][width], the last one padded with zeros. A tile is TILE_ROWS rows of C by one panel, held in
// registers over a pass of at most DEPTH values of k. Every output is summed over k in order, in one
// accumulator per pass, so levels with FMA give the same bits. Rows are cut into blocks that differ by
// at most one row. gemm_tn reads A by columns: blocks of A are packed as [k][rows] and B in strips.
// Shapes: A (M,K), B (K,N), C (M,N); ld is the distance of rows in elements.
#pragma once

#include <utility>

#include "activate.hpp"
#include "pack.hpp"

namespace RESPNET_LEVEL {

#if defined(__AVX512F__)
constexpr int TILE_ROWS = 12;
#elif defined(__AVX2__)
constexpr int TILE_ROWS = 6;
#else
constexpr int TILE_ROWS = 4;
#endif
constexpr int PANEL_VECTORS = 2;
constexpr int64_t DEPTH = 256;     // k of one pass; the same at all levels, as it decides the bits
constexpr int64_t BLOCK_ROWS = 240; // rows of A that stay in the second-level cache

template <class R> constexpr int64_t PANEL = PANEL_VECTORS * LANES<R>;

// ---------------------------------------------------------------------------------------- tiles

template <class R> struct tile {
    int64_t depth;
    const R *a;
    int64_t lda;
    const R *b;
    int64_t ldb;
    R *c;
    int64_t ldc;
    int64_t last_lanes; // columns in the last register of the panel
    bool add;           // to what is in C
    const R *bias;      // or null
    int activation;     // of the finished sum
};

// c[ROWS][VECTORS] += A B. A by rows, or packed as [k][ROWS].
template <class R, int ROWS, int VECTORS, bool PACKED>
RESPNET_INLINE void multiply_tile(const tile<R> &t, vec<R> (&c)[ROWS][VECTORS]) {
    const R *a = t.a, *b = t.b;
    const int64_t lda = t.lda, ldb = t.ldb;
    for (int64_t k = t.depth; k > 0; k--) {
        vec<R> b_k[VECTORS];
        RESPNET_UNROLL for (int v = 0; v < VECTORS; v++) b_k[v] = load<vec<R>>(b + v * LANES<R>);
        RESPNET_UNROLL for (int i = 0; i < ROWS; i++) {
            const vec<R> a_ik = splat<vec<R>>(a[PACKED ? i : i * lda]);
            RESPNET_UNROLL for (int v = 0; v < VECTORS; v++) c[i][v] += a_ik * b_k[v];
        }
        a += PACKED ? ROWS : 1;
        b += ldb;
    }
}

template <class R, int ROWS, int VECTORS>
RESPNET_INLINE void load_tile(const tile<R> &t, vec<R> (&c)[ROWS][VECTORS]) {
    RESPNET_UNROLL for (int v = 0; v < VECTORS; v++) {
        const int64_t lanes = v < VECTORS - 1 ? LANES<R> : t.last_lanes, j = v * LANES<R>;
        const vec<R> bias = t.bias ? load_part<vec<R>>(t.bias + j, lanes) : vec<R>{};
        RESPNET_UNROLL for (int i = 0; i < ROWS; i++) {
            c[i][v] = bias;
            if (t.add) c[i][v] += load_part<vec<R>>(t.c + i * t.ldc + j, lanes);
        }
    }
}

template <class R, int ROWS, int VECTORS>
RESPNET_INLINE void store_tile(const tile<R> &t, const vec<R> (&c)[ROWS][VECTORS]) {
    RESPNET_UNROLL for (int i = 0; i < ROWS; i++) {
        RESPNET_UNROLL for (int v = 0; v < VECTORS; v++) {
            R *out = t.c + i * t.ldc + v * LANES<R>;
            if (v < VECTORS - 1) store(out, c[i][v]);
            else store_part(out, c[i][v], t.last_lanes);
        }
    }
}

template <class R, int ROWS, int VECTORS, bool PACKED>
__attribute__((noinline)) void run_tile(const tile<R> &t) {
    vec<R> c[ROWS][VECTORS];
    load_tile(t, c);
    multiply_tile<R, ROWS, VECTORS, PACKED>(t, c);
    if (t.activation != activation::number_linear) {
        vec<R> finished[ROWS][VECTORS]; // in memory, so that c itself stays in registers
        memcpy(finished, c, sizeof c);
        activate<R>(t.activation, finished[0], ROWS * VECTORS);
        return store_tile(t, finished);
    }
    store_tile(t, c);
}

template <class R> using tile_function = void (*)(const tile<R> &);
template <class R> struct tile_table { tile_function<R> run[TILE_ROWS + 1][PANEL_VECTORS + 1]; };

template <class R, bool PACKED, int... I>
constexpr tile_table<R> list_tiles(std::integer_sequence<int, I...>) {
    return {{{}, {nullptr, run_tile<R, I + 1, 1, PACKED>, run_tile<R, I + 1, 2, PACKED>}...}};
}
template <class R, bool PACKED>
constexpr tile_table<R> TILES =
    list_tiles<R, PACKED>(std::make_integer_sequence<int, TILE_ROWS>());

// Calls f(first row, rows) for blocks of at most TILE_ROWS rows, larger ones first.
template <class F> RESPNET_INLINE void row_blocks(int64_t rows, F f) {
    const int64_t blocks = (rows + TILE_ROWS - 1) / TILE_ROWS;
    int64_t row = 0;
    for (int64_t left = blocks; left > 0; left--) {
        const int64_t n = (rows - row + left - 1) / left;
        f(row, (int)n);
        row += n;
    }
}

// --------------------------------------------------------------------------------------- panels

// Width of the panel that begins at a column with n columns to go.
template <class R> RESPNET_INLINE int64_t panel_width(int64_t n) {
    return n > LANES<R> ? PANEL<R> : LANES<R>;
}

// Elements that the panels of a B (K,N) take.
template <class R> int64_t panels_size(int64_t K, int64_t N) {
    return K * ((N + LANES<R> - 1) / LANES<R> * LANES<R>);
}

// All panels of B (K,N); with strides (1, ldb) those of its transpose.
template <class R>
void pack_panels(const R *B, int64_t row_stride, int64_t col_stride, int64_t K, int64_t N, R *out) {
    for (int64_t j = 0; j < N;) {
        const int64_t width = panel_width<R>(N - j), n = N - j < width ? N - j : width;
        pack_strip(B + j * col_stride, row_stride, col_stride, K, n, width, out);
        out += K * width;
        j += width;
    }
}

// ------------------------------------------------------------------------------------- products

// C = act(A B + bias), or with add C = act(C + A B + bias).
template <class R>
void gemm_panels(int64_t M, int64_t N, int64_t K, const R *A, int64_t lda, const R *panels, R *C,
                 int64_t ldc, bool add, const R *bias, int activation) {
    int64_t k = 0;
    do { // once even for K = 0: the bias is still to be written
        const int64_t depth = K - k < DEPTH ? K - k : DEPTH;
        const bool first = k == 0, last = k + depth == K;
        for (int64_t m = 0; m < M; m += BLOCK_ROWS) {
            const int64_t rows = M - m < BLOCK_ROWS ? M - m : BLOCK_ROWS;
            for (int64_t j = 0; j < N;) {
                const int64_t width = panel_width<R>(N - j), n = N - j < width ? N - j : width;
                const int vectors = (int)(width / LANES<R>);
                tile<R> t = {depth, nullptr, lda, panels + j * K + k * width, width, nullptr, ldc,
                             n - (vectors - 1) * LANES<R>, add || !first,
                             first && bias ? bias + j : nullptr,
                             last ? activation : activation::number_linear};
                row_blocks(rows, [&](int64_t i, int block) {
                    t.a = A + (m + i) * lda + k;
                    t.c = C + (m + i) * ldc + j;
                    TILES<R, false>.run[block][vectors](t);
                });
                j += width;
            }
        }
        k += depth;
    } while (k < K);
}

constexpr int64_t TN_ROWS = 480;     // columns of A packed at a time
constexpr int64_t TN_STRIP_FROM = 3; // row blocks from which copying a strip of B pays

// Elements of workspace of gemm_tn.
template <class R> int64_t gemm_tn_workspace(int64_t M, int64_t N, int64_t K) {
    const int64_t depth = K < DEPTH ? K : DEPTH, rows = M < TN_ROWS ? M : TN_ROWS;
    return depth * (rows + (N < PANEL<R> ? panel_width<R>(N) : PANEL<R>));
}

// out[block][k][rows of the block] of A (K, rows).
template <class R>
static void pack_columns(const R *A, int64_t lda, int64_t K, int64_t rows, R *out) {
    row_blocks(rows, [&](int64_t i, int block) {
        for (int64_t k = 0; k < K; k++, out += block) {
            const R *a = A + k * lda + i;
            if (block == TILE_ROWS) memcpy(out, a, TILE_ROWS * sizeof(R));
            else for (int x = 0; x < block; x++) out[x] = a[x];
        }
    });
}

// C (M,N) = A^T B, or += with add; A (K,M), B (K,N): the gradient of a weight.
template <class R>
void gemm_tn(int64_t M, int64_t N, int64_t K, const R *A, int64_t lda, const R *B, int64_t ldb, R *C,
             int64_t ldc, bool add, R *workspace) {
    int64_t k = 0;
    do {
        const int64_t depth = K - k < DEPTH ? K - k : DEPTH;
        for (int64_t m = 0; m < M; m += TN_ROWS) {
            const int64_t rows = M - m < TN_ROWS ? M - m : TN_ROWS;
            R *strip = workspace + depth * rows;
            pack_columns(A + k * lda + m, lda, depth, rows, workspace);
            for (int64_t j = 0; j < N;) {
                const int64_t width = panel_width<R>(N - j), n = N - j < width ? N - j : width;
                const int vectors = (int)(width / LANES<R>);
                const R *b = B + k * ldb + j;
                const bool copied = n < width || rows > TN_STRIP_FROM * TILE_ROWS;
                if (copied) pack_strip(b, ldb, 1, depth, n, width, strip);
                tile<R> t = {depth, workspace, 0, copied ? strip : b, copied ? width : ldb, nullptr,
                             ldc, n - (vectors - 1) * LANES<R>, add || k > 0, nullptr,
                             activation::number_linear};
                row_blocks(rows, [&](int64_t i, int block) {
                    t.c = C + (m + i) * ldc + j;
                    TILES<R, true>.run[block][vectors](t);
                    t.a += depth * block;
                });
                j += width;
            }
        }
        k += depth;
    } while (k < K);
}

// ---------------------------------------------------------------------------------- column sums

// One strip of VECTORS registers: row m goes to sum m % 4, then (0 + 1) + (2 + 3).
template <class R, int VECTORS>
RESPNET_INLINE void sum_strip(int64_t M, const R *A, int64_t lda, R *out, int64_t last, bool add) {
    vec<R> sum[4][VECTORS] = {};
    const auto row = [&](int s, const R *a) {
        RESPNET_UNROLL for (int v = 0; v < VECTORS; v++)
            sum[s][v] += v < VECTORS - 1 ? load<vec<R>>(a + v * LANES<R>)
                                         : load_part<vec<R>>(a + v * LANES<R>, last);
    };
    int64_t m = 0;
    for (; m + 4 <= M; m += 4)
        RESPNET_UNROLL for (int s = 0; s < 4; s++) row(s, A + (m + s) * lda);
    RESPNET_UNROLL for (int s = 0; s < 3; s++)
        if (m + s < M) row(s, A + (m + s) * lda);
    RESPNET_UNROLL for (int v = 0; v < VECTORS; v++) {
        R *o = out + v * LANES<R>;
        const int64_t lanes = v < VECTORS - 1 ? LANES<R> : last;
        const vec<R> total = (sum[0][v] + sum[1][v]) + (sum[2][v] + sum[3][v]);
        store_part(o, add ? load_part<vec<R>>(o, lanes) + total : total, lanes);
    }
}

// out[n] = sum of A[m][n] over m, or += with add: the gradient of a bias.
template <class R>
void column_sums(int64_t M, int64_t N, const R *A, int64_t lda, R *out, bool add) {
    constexpr int64_t step = 2 * LANES<R>;
    int64_t n = 0;
    for (; n + step <= N; n += step) sum_strip<R, 2>(M, A + n, lda, out + n, LANES<R>, add);
    const int64_t left = N - n;
    if (left > LANES<R>) sum_strip<R, 2>(M, A + n, lda, out + n, left - LANES<R>, add);
    else if (left > 0) sum_strip<R, 1>(M, A + n, lda, out + n, left, add);
}

} // namespace RESPNET_LEVEL
