// Convolution with windows of 3 x 3 places, each the next to the last, by 16 products for a tile of
// 2 x 2 places of the output instead of 36: Winograd 1980, as F(2x2,3x3) in Lavin and Gray 2016.
//
//   y = A^T [(B^T d B) (G g G^T)] A     d (4,4) of x, g (3,3) of the kernel, y (2,2)
//
// Each of the 16 numbers of transformed tiles makes a matrix: V (16,T,C) of x, U (16,C,O) of the
// kernel, M = V U (16,T,O). T tiles of any images make a block, so that V and M stay in the cache.
// The gradient of the kernel is the transposed way: dM = A dy A^T, dU = V^T dM, dg = G^T dU G.
// Images are padded to whole tiles: x (Y,X,C), Y = 2 rows of tiles + 2 -> y (P,Q,O).
#pragma once

#include "gemm.hpp"
#include "step.hpp"

namespace RESPNET_LEVEL {

constexpr int POINTS = 16;

// Transforms of one axis: from FROM numbers to TO.
struct of_image { // B^T
    static constexpr int FROM = 4, TO = 4;
    template <class V> static void apply(const V (&d)[4], V (&v)[4]) {
        v[0] = d[0] - d[2];
        v[1] = d[1] + d[2];
        v[2] = d[2] - d[1];
        v[3] = d[1] - d[3];
    }
};
struct of_kernel { // G
    static constexpr int FROM = 3, TO = 4;
    template <class V> static void apply(const V (&g)[3], V (&u)[4]) {
        const V half = splat<V>(0.5), ends = g[0] + g[2];
        u[0] = g[0];
        u[1] = half * (ends + g[1]);
        u[2] = half * (ends - g[1]);
        u[3] = g[2];
    }
};
struct to_kernel { // G^T
    static constexpr int FROM = 4, TO = 3;
    template <class V> static void apply(const V (&u)[4], V (&g)[3]) {
        const V half = splat<V>(0.5), middle = half * (u[1] + u[2]);
        g[0] = u[0] + middle;
        g[1] = half * (u[1] - u[2]);
        g[2] = middle + u[3];
    }
};
struct to_output { // A^T
    static constexpr int FROM = 4, TO = 2;
    template <class V> static void apply(const V (&m)[4], V (&y)[2]) {
        y[0] = m[0] + m[1] + m[2];
        y[1] = m[1] - m[2] - m[3];
    }
};
struct of_gradient { // A
    static constexpr int FROM = 2, TO = 4;
    template <class V> static void apply(const V (&dy)[2], V (&m)[4]) {
        m[0] = dy[0];
        m[1] = dy[0] + dy[1];
        m[2] = dy[0] - dy[1];
        m[3] = -dy[1];
    }
};

// Along the columns, then along the rows.
template <class Transform, class V>
RESPNET_INLINE void transform(const V (&in)[Transform::FROM][Transform::FROM],
                              V (&out)[Transform::TO][Transform::TO]) {
    constexpr int FROM = Transform::FROM, TO = Transform::TO;
    V half[TO][FROM];
    RESPNET_UNROLL for (int i = 0; i < FROM; i++) {
        V column[FROM], changed[TO];
        RESPNET_UNROLL for (int k = 0; k < FROM; k++) column[k] = in[k][i];
        Transform::apply(column, changed);
        RESPNET_UNROLL for (int k = 0; k < TO; k++) half[k][i] = changed[k];
    }
    RESPNET_UNROLL for (int k = 0; k < TO; k++) Transform::apply(half[k], out[k]);
}

struct winograd {
    int64_t Y, X, C, P, Q, O, T;

    int64_t across() const { return X / 2 - 1; }
    int64_t tiles() const { return (Y / 2 - 1) * across(); } // of an image

    // f(number within the block, image, first row, first column) for `count` tiles from `first` on
    template <class F> void each_tile(int64_t first, int64_t count, F f) const {
        for (int64_t n = 0; n < count; n++) {
            const int64_t t = (first + n) % tiles();
            f(n, (first + n) / tiles(), t / across() * 2, t % across() * 2);
        }
    }
};

// V (16,T,C) of a block of tiles of x
template <class R>
void transform_image(const winograd &w, int64_t first, int64_t count, const R *x, R *V) {
    w.each_tile(first, count, [&](int64_t n, int64_t image, int64_t row, int64_t column) {
        const R *from = x + ((image * w.Y + row) * w.X + column) * w.C;
        each_register<R>(w.C, [&](int64_t c, int64_t part) {
            vec<R> d[4][4], v[4][4];
            RESPNET_UNROLL for (int i = 0; i < 4; i++)
                RESPNET_UNROLL for (int j = 0; j < 4; j++)
                    d[i][j] = take<R>(from + (i * w.X + j) * w.C + c, part);
            transform<of_image>(d, v);
            RESPNET_UNROLL for (int i = 0; i < POINTS; i++)
                put<R>(V + (i * w.T + n) * w.C + c, v[i / 4][i % 4], part);
        });
    });
}

// y of a block of tiles, from M (16,T,O)
template <class R>
void transform_products(const winograd &w, int64_t first, int64_t count, const R *M, const R *bias,
                        R *y, int activation) {
    w.each_tile(first, count, [&](int64_t n, int64_t image, int64_t row, int64_t column) {
        R *to = y + ((image * w.P + row) * w.Q + column) * w.O;
        each_register<R>(w.O, [&](int64_t o, int64_t part) {
            vec<R> m[4][4], out[2][2];
            RESPNET_UNROLL for (int i = 0; i < POINTS; i++)
                m[i / 4][i % 4] = take<R>(M + (i * w.T + n) * w.O + o, part);
            transform<to_output>(m, out);
            if (bias)
                RESPNET_UNROLL for (int i = 0; i < 4; i++)
                    out[i / 2][i % 2] += take<R>(bias + o, part);
            if (activation != activation::number_linear) activate<R>(activation, out[0], 4);
            for (int i = 0; i < 2 && row + i < w.P; i++)
                for (int j = 0; j < 2 && column + j < w.Q; j++)
                    put<R>(to + (i * w.Q + j) * w.O + o, out[i][j], part);
        });
    });
}

// y = act(x convolved with the kernel, packed by pack_winograd, + bias?) for all images;
// workspace: 16 T (C + O)
template <class R>
void winograd_convolve(const winograd &w, int64_t images, const R *x, const R *packed,
                       const R *bias, R *y, int activation, R *workspace) {
    R *V = workspace, *M = V + POINTS * w.T * w.C;
    const int64_t size = panels_size<R>(w.C, w.O);
    pieces(images * w.tiles(), w.T, [&](int64_t first, int64_t count) {
        transform_image(w, first, count, x, V);
        for (int i = 0; i < POINTS; i++)
            gemm_panels<R>(count, w.O, w.C, V + i * w.T * w.C, w.C, packed + i * size,
                           M + i * w.T * w.O, w.O, false, nullptr, activation::number_linear);
        transform_products(w, first, count, M, bias, y, activation);
    });
}

// dM (16,T,O) of a block of tiles of dz (P,Q,O)
template <class R>
void transform_gradient(const winograd &w, int64_t first, int64_t count, const R *dz, R *dM) {
    w.each_tile(first, count, [&](int64_t n, int64_t image, int64_t row, int64_t column) {
        const R *from = dz + ((image * w.P + row) * w.Q + column) * w.O;
        each_register<R>(w.O, [&](int64_t o, int64_t part) {
            vec<R> dy[2][2] = {}, m[4][4];
            for (int i = 0; i < 2 && row + i < w.P; i++)
                for (int j = 0; j < 2 && column + j < w.Q; j++)
                    dy[i][j] = take<R>(from + (i * w.Q + j) * w.O + o, part);
            transform<of_gradient>(dy, m);
            RESPNET_UNROLL for (int i = 0; i < POINTS; i++)
                put<R>(dM + (i * w.T + n) * w.O + o, m[i / 4][i % 4], part);
        });
    });
}

// dkernel (3,3,C,O) (+)= that of all images; workspace: 16 T (C + O), 16 C O, that of gemm_tn
template <class R>
void winograd_gradient(const winograd &w, int64_t images, const R *x, const R *dz, R *dkernel,
                       bool add, R *workspace) {
    const int64_t size = w.C * w.O;
    R *V = workspace, *dM = V + POINTS * w.T * w.C, *dU = dM + POINTS * w.T * w.O;
    pieces(images * w.tiles(), w.T, [&](int64_t first, int64_t count) {
        transform_image(w, first, count, x, V);
        transform_gradient(w, first, count, dz, dM);
        for (int i = 0; i < POINTS; i++)
            gemm_tn<R>(w.C, w.O, count, V + i * w.T * w.C, w.C, dM + i * w.T * w.O, w.O,
                       dU + i * size, w.O, first > 0, dU + POINTS * size);
    });
    each_register<R>(size, [&](int64_t k, int64_t part) {
        vec<R> u[4][4], g[3][3];
        RESPNET_UNROLL for (int i = 0; i < POINTS; i++)
            u[i / 4][i % 4] = take<R>(dU + i * size + k, part);
        transform<to_kernel>(u, g);
        RESPNET_UNROLL for (int i = 0; i < 9; i++) {
            R *to = dkernel + i * size + k;
            put<R>(to, add ? take<R>(to, part) + g[i / 3][i % 3] : g[i / 3][i % 3], part);
        }
    });
}

// kernel (3,3,C,O) -> U (16,C,O), each of the 16 in panels; turned: as the gradient of x meets it,
// (16,O,C). Behind the panels lies U itself: 16 C O numbers.
template <class R>
void pack_winograd(const R *kernel, int64_t C, int64_t O, bool turned, R *out) {
    const int64_t size = C * O, panels = turned ? panels_size<R>(O, C) : panels_size<R>(C, O);
    R *U = out + POINTS * panels;
    each_register<R>(size, [&](int64_t k, int64_t part) {
        vec<R> g[3][3], u[4][4];
        RESPNET_UNROLL for (int i = 0; i < 9; i++)
            g[i / 3][i % 3] = take<R>(kernel + (turned ? 8 - i : i) * size + k, part);
        transform<of_kernel>(g, u);
        RESPNET_UNROLL for (int i = 0; i < POINTS; i++)
            put<R>(U + i * size + k, u[i / 4][i % 4], part);
    });
    for (int i = 0; i < POINTS; i++, out += panels)
        if (turned) pack_panels<R>(U + i * size, 1, O, O, C, out);
        else pack_panels<R>(U + i * size, O, 1, C, O, out);
}

} // namespace RESPNET_LEVEL
