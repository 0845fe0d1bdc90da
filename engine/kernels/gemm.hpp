// Matrix products over packed panels.
//
// A panel is a strip of B, two registers wide (one, if that holds the last columns), stored row by
// row: [k][width], the last one padded with zeros. A tile is a block of rows of C by one panel or
// by two neighbours, held in registers over a pass of at most DEPTH values of k: up to TILE_ROWS
// rows by one panel; half as many by two, which few rows need for enough independent sums, and
// which saves an odd last panel from a tile of its own. Every output is summed over k in order, in
// one accumulator per pass, so levels with FMA give the same bits. Rows are cut into blocks as even
// as possible. gemm_tn reads A by columns; what is read often is copied first, A as
// [block][k][rows], B in strips.
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
constexpr int64_t DEPTH = 256; // k of one pass; the same at all levels, as it decides the bits
constexpr int64_t BLOCK_ROWS = 240, BLOCK_COLUMNS = 512; // of C in the second-level cache
constexpr int64_t TN_ROWS = 480;    // columns of A that gemm_tn packs at a time
constexpr int64_t TN_COPY_FROM = 8; // uses from which a copy pays

template <class R> constexpr int64_t PANEL = PANEL_VECTORS * LANES<R>;

// Rows a tile may have: its sums, a row of B and one number of A must fit in the registers.
constexpr int row_limit(int vectors) {
    return vectors <= PANEL_VECTORS ? TILE_ROWS : TILE_ROWS * PANEL_VECTORS / vectors;
}

// ---------------------------------------------------------------------------------------- tiles

template <class R> struct tile {
    int64_t depth;
    const R *a;
    int64_t lda;
    const R *b; // the first two registers of a row of B
    int64_t ldb;
    const R *b_next; // the registers after them
    int64_t ldb_next;
    R *c;
    int64_t ldc;
    int64_t last_lanes; // columns in the last register
    bool add;           // to what is in C
    const R *bias;      // or null
    int activation;     // of the finished sum
    int64_t runs = 1;   // how often depth values of k follow each other in A; B goes on
    int64_t jump = 0;   // from the end of a run in A to the next
};

// c[ROWS][VECTORS] += A B with A(i, k) = a[i * lda + k], or with BY_COLUMNS a[k * lda + i].
template <class R, int ROWS, int VECTORS, bool BY_COLUMNS>
RESPNET_INLINE void multiply_tile(const tile<R> &t, vec<R> (&c)[ROWS][VECTORS]) {
    const R *a = t.a, *b = t.b, *b_next = t.b_next;
    int64_t left = t.depth; // one loop, not one in another: the sums stay in registers
    for (int64_t k = t.depth * t.runs; k > 0; k--) {
        vec<R> b_k[VECTORS];
        RESPNET_UNROLL for (int v = 0; v < VECTORS; v++) {
            b_k[v] = load<vec<R>>(v < 2 ? b + v * LANES<R> : b_next + (v - 2) * LANES<R>);
            if (ROWS > 1) keep(b_k[v]);
        }
        RESPNET_UNROLL for (int i = 0; i < ROWS; i++) {
            const vec<R> a_ik = splat<vec<R>>(a[BY_COLUMNS ? i : i * t.lda]);
            RESPNET_UNROLL for (int v = 0; v < VECTORS; v++) c[i][v] += a_ik * b_k[v];
        }
        a += BY_COLUMNS ? t.lda : 1;
        b += t.ldb;
        b_next += t.ldb_next;
        if (--left == 0) {
            a += t.jump;
            left = t.depth;
        }
    }
}

// c = bias, or bias + C
template <class R, int ROWS, int VECTORS>
RESPNET_INLINE void load_tile(const tile<R> &t, vec<R> (&c)[ROWS][VECTORS]) {
    vec<R> bias[VECTORS] = {};
    const auto part = [&](const R *p, int v) {
        return v < VECTORS - 1 ? load<vec<R>>(p + v * LANES<R>)
                               : load_part<vec<R>>(p + v * LANES<R>, t.last_lanes);
    };
    if (t.bias)
        RESPNET_UNROLL for (int v = 0; v < VECTORS; v++) bias[v] = part(t.bias, v);
    if (t.add)
        RESPNET_UNROLL for (int i = 0; i < ROWS; i++)
            RESPNET_UNROLL for (int v = 0; v < VECTORS; v++)
                c[i][v] = part(t.c + i * t.ldc, v) + bias[v];
    else
        RESPNET_UNROLL for (int i = 0; i < ROWS; i++)
            RESPNET_UNROLL for (int v = 0; v < VECTORS; v++) c[i][v] = bias[v];
}

template <class R, int ROWS, int VECTORS>
RESPNET_INLINE void store_tile(R *c, int64_t ldc, int64_t last_lanes,
                               const vec<R> (&x)[ROWS][VECTORS]) {
    RESPNET_UNROLL for (int i = 0; i < ROWS; i++) {
        RESPNET_UNROLL for (int v = 0; v < VECTORS; v++) {
            R *out = c + i * ldc + v * LANES<R>;
            if (v < VECTORS - 1) store(out, x[i][v]);
            else store_part(out, x[i][v], last_lanes);
        }
    }
}

// What is wanted once stores to C have begun is read before: they might change the job. It is not
// copied as a whole: read in wide pieces, what was just written in narrow ones makes the load wait.
template <class R, int ROWS, int VECTORS, bool BY_COLUMNS>
__attribute__((noinline)) void run_tile(const tile<R> &t) {
    R *const out = t.c;
    const int64_t ldc = t.ldc, last_lanes = t.last_lanes;
    const int finish = t.activation;
    vec<R> c[ROWS][VECTORS];
    load_tile(t, c);
    multiply_tile<R, ROWS, VECTORS, BY_COLUMNS>(t, c);
    if (finish != activation::number_linear) {
        vec<R> finished[ROWS][VECTORS]; // in memory, so that c itself stays in registers
        memcpy(finished, c, sizeof c);
        activate<R>(finish, finished[0], ROWS * VECTORS);
        return store_tile(out, ldc, last_lanes, finished);
    }
    store_tile(out, ldc, last_lanes, c);
}

template <class R> using tile_function = void (*)(const tile<R> &);
template <class R> struct tile_table {
    tile_function<R> run[TILE_ROWS + 1][2 * PANEL_VECTORS + 1];
};

template <class R, int ROWS, int VECTORS, bool BY_COLUMNS>
constexpr tile_function<R> tile_or_none() {
    if constexpr (ROWS <= row_limit(VECTORS)) return run_tile<R, ROWS, VECTORS, BY_COLUMNS>;
    else return nullptr;
}
template <class R, bool T, int... I>
constexpr tile_table<R> list_tiles(std::integer_sequence<int, I...>) {
    return {{{},
             {nullptr, tile_or_none<R, I + 1, 1, T>(), tile_or_none<R, I + 1, 2, T>(),
              tile_or_none<R, I + 1, 3, T>(), tile_or_none<R, I + 1, 4, T>()}...}};
}
template <class R, bool BY_COLUMNS>
constexpr tile_table<R> TILES =
    list_tiles<R, BY_COLUMNS>(std::make_integer_sequence<int, TILE_ROWS>());

// Calls f(first row, rows) for blocks of at most `limit` rows, larger ones first.
template <class F> RESPNET_INLINE void row_blocks(int64_t rows, int64_t limit, F f) {
    int64_t row = 0;
    for (int64_t left = (rows + limit - 1) / limit; left > 0; left--) {
        const int64_t n = (rows - row + left - 1) / left;
        f(row, (int)n);
        row += n;
    }
}

// --------------------------------------------------------------------------------------- panels

// Calls f(first column, registers, columns) for the strips of columns begin .. end: two panels each
// with `pairs`, else single ones; with `odd` a single register at the end joins the panel before.
template <class R, class F>
RESPNET_INLINE void strips(int64_t begin, int64_t end, bool pairs, bool odd, F f) {
    for (int64_t j = begin; j < end;) {
        const int64_t left = (end - j + LANES<R> - 1) / LANES<R>;
        const int64_t limit = pairs ? 4 : odd && left == 3 ? 3 : 2;
        const int64_t registers = left < limit ? left : limit, after = j + registers * LANES<R>;
        f(j, (int)registers, (after < end ? after : end) - j);
        j = after;
    }
}

// Elements that the panels of a B (K,N) take.
template <class R> int64_t panels_size(int64_t K, int64_t N) {
    return K * ((N + LANES<R> - 1) / LANES<R> * LANES<R>);
}

// All panels of B (K,N), B(k, n) = B[k * row_stride + n * col_stride]: with (1, ldb) its transpose.
template <class R>
void pack_panels(const R *B, int64_t row_stride, int64_t col_stride, int64_t K, int64_t N, R *out) {
    strips<R>(0, N, false, false, [&](int64_t j, int registers, int64_t columns) {
        const int64_t width = registers * LANES<R>;
        pack_strip(B + j * col_stride, row_stride, col_stride, K, columns, width, out + j * K);
    });
}

// ------------------------------------------------------------------------------------- products

// Calls f(begin, length) for pieces of at most `limit`; once with length 0 if there is nothing.
template <class F> RESPNET_INLINE void pieces(int64_t length, int64_t limit, F f) {
    int64_t begin = 0;
    do {
        const int64_t n = length - begin < limit ? length - begin : limit;
        f(begin, n);
        begin += n;
    } while (begin < length);
}

// What a product is made of; the functions below are its loops, from the outside in.
template <class R> struct product {
    int64_t M, N, K;
    const R *A;
    int64_t lda;
    const R *B; // panels, or for gemm_tn rows with distance ldb
    int64_t ldb;
    R *C;
    int64_t ldc;
    bool add;
    const R *bias;
    int activation;
};

// One block of C, one pass over k.
template <class R>
static void multiply_block(const product<R> &p, int64_t m, int64_t rows, int64_t n, int64_t columns,
                           int64_t k, int64_t depth) {
    const bool first = k == 0, last = k + depth == p.K;
    const auto strip = [&](int64_t j, int registers, int64_t strip_columns) {
        const int64_t width = (registers < 2 ? registers : 2) * LANES<R>;
        const int64_t next_width = registers * LANES<R> - width;
        tile<R> t = {depth, nullptr, p.lda, p.B + j * p.K + k * width, width,
                     p.B + (j + width) * p.K + k * next_width, next_width, nullptr, p.ldc,
                     strip_columns - (registers - 1) * LANES<R>, p.add || !first,
                     first && p.bias ? p.bias + j : nullptr,
                     last ? p.activation : activation::number_linear};
        row_blocks(rows, row_limit(registers), [&](int64_t i, int block) {
            t.a = p.A + (m + i) * p.lda + k;
            t.c = p.C + (m + i) * p.ldc + j;
            TILES<R, false>.run[block][registers](t);
        });
    };
    // Full AVX-512 tiles of two panels are faster too: they broadcast half as many numbers of A.
    const bool pairs = RESPNET_VECTOR_BYTES == 64 || rows <= row_limit(2 * PANEL_VECTORS);
    strips<R>(n, n + columns, pairs, true, strip);
}

// C = act(A B + bias), or with add C = act(C + A B + bias). bias may be null.
// A block of C and what it takes of A and B stay in the second-level cache over all passes.
template <class R>
void gemm_panels(int64_t M, int64_t N, int64_t K, const R *A, int64_t lda, const R *panels, R *C,
                 int64_t ldc, bool add, const R *bias, int activation) {
    const product<R> p = {M, N, K, A, lda, panels, 0, C, ldc, add, bias, activation};
    pieces(M, BLOCK_ROWS, [&](int64_t m, int64_t rows) {
        pieces(N, BLOCK_COLUMNS, [&](int64_t n, int64_t columns) {
            pieces(K, DEPTH, [&](int64_t k, int64_t depth) {
                multiply_block(p, m, rows, n, columns, k, depth);
            });
        });
    });
}

// Elements of workspace of gemm_tn: a block of columns of A, a strip of B.
template <class R> int64_t gemm_tn_workspace(int64_t M, int64_t N, int64_t K) {
    const int64_t depth = K < DEPTH ? K : DEPTH, rows = M < TN_ROWS ? M : TN_ROWS;
    const int64_t registers = (N + LANES<R> - 1) / LANES<R>;
    return depth * (rows + (registers < 4 ? registers : 4) * LANES<R>);
}

// out[block][k][rows of the block] of A (K, rows).
template <class R>
static void pack_columns(const R *A, int64_t lda, int64_t K, int64_t rows, R *out) {
    row_blocks(rows, TILE_ROWS, [&](int64_t i, int block) {
        const R *a = A + i;
        for (int64_t k = 0; k < K; k++, out += block, a += lda)
            for (int64_t x = 0; x < block; x += LANES<R>) {
                const int64_t lanes = block - x < LANES<R> ? block - x : LANES<R>;
                store_part(out + x, load_part<vec<R>>(a + x, lanes), lanes);
            }
    });
}

template <class R>
static void multiply_columns(const product<R> &p, int64_t m, int64_t rows, int64_t k, int64_t depth,
                             R *workspace) {
    const bool copy_a = p.N > TN_COPY_FROM * PANEL<R>, copy_b = rows > TN_COPY_FROM * TILE_ROWS;
    const R *A = p.A + k * p.lda + m;
    R *copied_strip = workspace + depth * rows;
    if (copy_a) pack_columns(A, p.lda, depth, rows, workspace);
    const auto strip = [&](int64_t j, int registers, int64_t columns) {
        const int64_t width = registers * LANES<R>;
        const bool copied = copy_b || columns < width; // else the last register reads too far
        const R *b = copied ? copied_strip : p.B + k * p.ldb + j;
        const int64_t ldb = copied ? width : p.ldb;
        if (copied) pack_rows(p.B + k * p.ldb + j, p.ldb, depth, columns, width, copied_strip);
        tile<R> t = {depth, nullptr, p.lda, b, ldb, b + PANEL<R>, ldb, nullptr, p.ldc,
                     columns - (registers - 1) * LANES<R>, p.add || k > 0, nullptr,
                     activation::number_linear};
        row_blocks(rows, row_limit(registers), [&](int64_t i, int block) {
            t.a = copy_a ? workspace + i * depth : A + i;
            t.lda = copy_a ? block : p.lda;
            t.c = p.C + (m + i) * p.ldc + j;
            TILES<R, true>.run[block][registers](t);
        });
    };
    strips<R>(0, p.N, !copy_a && rows <= row_limit(2 * PANEL_VECTORS), !copy_a, strip);
}

// C (M,N) = A^T B, or += with add; A (K,M), B (K,N): the gradient of a weight.
template <class R>
void gemm_tn(int64_t M, int64_t N, int64_t K, const R *A, int64_t lda, const R *B, int64_t ldb,
             R *C, int64_t ldc, bool add, R *workspace) {
    const product<R> p = {M, N, K, A, lda, B, ldb, C, ldc, add, nullptr, activation::number_linear};
    pieces(K, DEPTH, [&](int64_t k, int64_t depth) {
        pieces(M, TN_ROWS, [&](int64_t m, int64_t rows) {
            multiply_columns(p, m, rows, k, depth, workspace);
        });
    });
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
