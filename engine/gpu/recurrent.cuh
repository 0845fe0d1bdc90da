// Cells of the recurrent layers: one step of time, one unit of one row a thread. Products with the
// recurrent kernel are made before (engine/gpu/recurrent.py).
//
// Sequences are (B,T,N) and rows of them T * N apart; t is the step. mask (B,T), factor (B,H),
// bias and start states may be null. `into` (B,H): h times factor, what the next step multiplies.

// The state of row b before step t: the sequence's step before, or the start, or 0.
static __device__ __forceinline__ R before_step(const R *sequence, const R *start, long long b,
                                                long long u, int t, int T, int H) {
    if (t) return sequence[(b * T + t - 1) * H + u];
    return start ? start[b * H + u] : R(0);
}

#define RESPNET_UNIT                                                                               \
    RESPNET_INDEX(rows * (long long)H)                                                             \
    const long long b = i / H, u = i % H, bt = b * T + t;                                          \
    const bool counts = !mask || mask[bt] != 0;                                                    \
    const R scale = factor ? factor[i] : R(1);

// y (B,T,H): at step t the sums, then the states
RESPNET_KERNEL(simple_rnn_cell)(R *y, const R *h0, const R *mask, const R *factor, R *into,
                                int activation, int rows, int T, int H, int t) {
    RESPNET_UNIT
    R h = gpu::activated(activation, y[bt * H + u]);
    if (!counts) h = before_step(y, h0, b, u, t, T, H);
    y[bt * H + u] = h;
    into[i] = h * scale;
}

// gates (B,T,4H): at step t the sums of i, f, c, o, then the gates
RESPNET_KERNEL(lstm_cell)(R *gates, const R *peephole, const R *h0, const R *c0, const R *mask,
                          const R *factor, R *y, R *cells, R *into, int activation, int gate,
                          int rows, int T, int H, int t) {
    RESPNET_UNIT
    R *g = gates + bt * 4 * H + u;
    const R c = before_step(cells, c0, b, u, t, T, H);
    const R p0 = peephole ? peephole[u] : R(0), p1 = peephole ? peephole[H + u] : R(0);
    const R p2 = peephole ? peephole[2 * H + u] : R(0);
    const R in = gpu::activated(gate, g[0] + p0 * c);
    const R forget = gpu::activated(gate, g[H] + p1 * c);
    const R candidate = gpu::activated(activation, g[2 * H]);
    const R cell = forget * c + in * candidate;
    const R out = gpu::activated(gate, g[3 * H] + p2 * cell);
    const R h = counts ? out * gpu::activated(activation, cell)
                       : before_step(y, h0, b, u, t, T, H);
    g[0] = in;
    g[H] = forget;
    g[2 * H] = candidate;
    g[3 * H] = out;
    cells[bt * H + u] = counts ? cell : c;
    y[bt * H + u] = h;
    into[i] = h * scale;
}

// Reset after the product: gates (B,T,4H) hold the sums of x in the first 3H, hidden (B,3H) those
// of h; then z, r, candidate and the candidate's sum of h.
RESPNET_KERNEL(gru_cell)(R *gates, const R *hidden, const R *bias, const R *h0, const R *mask,
                         const R *factor, R *y, R *into, int activation, int gate, int rows, int T,
                         int H, int t) {
    RESPNET_UNIT
    R *g = gates + bt * 4 * H + u;
    const R *s = hidden + b * 3 * H + u;
    const R b0 = bias ? bias[u] : R(0), b1 = bias ? bias[H + u] : R(0);
    const R fourth = s[2 * H] + (bias ? bias[2 * H + u] : R(0));
    const R z = gpu::activated(gate, g[0] + s[0] + b0), r = gpu::activated(gate, g[H] + s[H] + b1);
    const R candidate = gpu::activated(activation, g[2 * H] + r * fourth);
    const R before = before_step(y, h0, b, u, t, T, H);
    const R h = counts ? z * before + (1 - z) * candidate : before;
    g[0] = z;
    g[H] = r;
    g[2 * H] = candidate;
    g[3 * H] = fourth;
    y[bt * H + u] = h;
    into[i] = h * scale;
}

// Reset before the product, first half: z, r and r times h (into the fourth and `reset` (B,H)).
RESPNET_KERNEL(gru_reset)(R *gates, const R *hidden, const R *bias, const R *into, R *reset,
                          int gate, int rows, int T, int H, int t) {
    RESPNET_INDEX(rows * (long long)H)
    const long long b = i / H, u = i % H;
    R *g = gates + (b * T + t) * 4 * H + u;
    const R *s = hidden + b * 2 * H + u;
    g[0] = gpu::activated(gate, g[0] + s[0] + (bias ? bias[u] : R(0)));
    g[H] = gpu::activated(gate, g[H] + s[H] + (bias ? bias[H + u] : R(0)));
    g[3 * H] = reset[i] = g[H] * into[i];
}
// Second half: hidden (B,H) is r h times the candidate's kernel.
RESPNET_KERNEL(gru_candidate)(R *gates, const R *hidden, const R *bias, const R *h0, const R *mask,
                              const R *factor, R *y, R *into, int activation, int rows, int T,
                              int H, int t) {
    RESPNET_UNIT
    R *g = gates + bt * 4 * H + u;
    const R sum = g[2 * H] + hidden[i] + (bias ? bias[2 * H + u] : R(0));
    const R candidate = gpu::activated(activation, sum), z = g[0];
    const R before = before_step(y, h0, b, u, t, T, H);
    const R h = counts ? z * before + (1 - z) * candidate : before;
    g[2 * H] = candidate;
    y[bt * H + u] = h;
    into[i] = h * scale;
}

// ------------------------------------------------------------------------------------- backward
// product (B,H): what came through the recurrent kernel; carried (B,H): what passed by it.

#define RESPNET_ENTERING                                                                           \
    (product[i] * scale + carried[i] + (dy ? dy[bt * H + u] : R(0)))

// dz (B,T,H) of the sums
RESPNET_KERNEL(simple_rnn_cell_backward)(const R *y, const R *dy, const R *mask, const R *factor,
                                         const R *product, R *carried, R *dz, int activation,
                                         int rows, int T, int H, int t) {
    RESPNET_UNIT
    const R d = RESPNET_ENTERING;
    dz[bt * H + u] = counts ? gpu::slope(activation, y[bt * H + u], d) : R(0);
    carried[i] = counts ? R(0) : d;
}

// gates (B,T,4H): in their place the gradients of the sums; dc (B,H) goes from step to step
RESPNET_KERNEL(lstm_cell_backward)(R *gates, const R *cells, const R *peephole, const R *c0,
                                   const R *dy, const R *mask, const R *factor, const R *product,
                                   R *carried, R *dc, int activation, int gate, int rows, int T,
                                   int H, int t) {
    RESPNET_UNIT
    R *g = gates + bt * 4 * H + u;
    const R d = RESPNET_ENTERING;
    if (!counts) {
        g[0] = g[H] = g[2 * H] = g[3 * H] = R(0);
        carried[i] = d;
        return;
    }
    const R in = g[0], forget = g[H], candidate = g[2 * H], out = g[3 * H];
    const R a = gpu::activated(activation, cells[bt * H + u]);
    const R d_out = gpu::slope(gate, out, d * a);
    R dn = dc[i] + gpu::slope(activation, a, d * out);
    if (peephole) dn += d_out * peephole[2 * H + u];
    const R d_in = gpu::slope(gate, in, dn * candidate);
    const R d_forget = gpu::slope(gate, forget, dn * before_step(cells, c0, b, u, t, T, H));
    g[0] = d_in;
    g[H] = d_forget;
    g[2 * H] = gpu::slope(activation, candidate, dn * in);
    g[3 * H] = d_out;
    dn *= forget;
    if (peephole) dn += d_in * peephole[u] + d_forget * peephole[H + u];
    dc[i] = dn;
    carried[i] = R(0);
}

// Reset after: gates get dz, dr, dcandidate of x and in the fourth that of h; sums (B,3H): of h
RESPNET_KERNEL(gru_cell_backward)(R *gates, const R *y, const R *h0, const R *dy, const R *mask,
                                  const R *factor, const R *product, R *carried, R *sums,
                                  int activation, int gate, int rows, int T, int H, int t) {
    RESPNET_UNIT
    R *g = gates + bt * 4 * H + u, *s = sums + b * 3 * H + u;
    const R d = RESPNET_ENTERING, live = counts ? d : R(0);
    const R z = g[0], r = g[H], candidate = g[2 * H];
    const R before = before_step(y, h0, b, u, t, T, H);
    const R dz = gpu::slope(gate, z, live * (before - candidate));
    const R dn = gpu::slope(activation, candidate, live * (1 - z));
    const R dr = gpu::slope(gate, r, dn * g[3 * H]);
    g[0] = s[0] = dz;
    g[H] = s[H] = dr;
    g[2 * H] = dn;
    g[3 * H] = s[2 * H] = dn * r;
    carried[i] = counts ? d * z : d;
}

// Reset before, first half: dz and dcandidate; sums (B,3H) get them
RESPNET_KERNEL(gru_candidate_backward)(R *gates, const R *y, const R *h0, const R *dy,
                                       const R *mask, const R *factor, const R *product,
                                       R *carried, R *sums, int activation, int gate, int rows,
                                       int T, int H, int t) {
    RESPNET_UNIT
    R *g = gates + bt * 4 * H + u, *s = sums + b * 3 * H + u;
    const R d = RESPNET_ENTERING, live = counts ? d : R(0);
    const R z = g[0], candidate = g[2 * H];
    const R before = before_step(y, h0, b, u, t, T, H);
    g[0] = s[0] = gpu::slope(gate, z, live * (before - candidate));
    g[2 * H] = s[2 * H] = gpu::slope(activation, candidate, live * (1 - z));
    carried[i] = counts ? d * z : d;
}
// Second half: hidden (B,H) is the gradient of r h; dr, and r times it for the product
RESPNET_KERNEL(gru_reset_backward)(R *gates, const R *y, const R *h0, const R *mask,
                                   const R *factor, const R *hidden, R *product, R *sums, int gate,
                                   int rows, int T, int H, int t) {
    RESPNET_UNIT
    R *g = gates + bt * 4 * H + u, *s = sums + b * 3 * H + u;
    const R r = g[H], before = before_step(y, h0, b, u, t, T, H) * scale;
    g[H] = s[H] = counts ? gpu::slope(gate, r, hidden[i] * before) : R(0);
    product[i] = hidden[i] * r;
}

// dh0 (B,H)
RESPNET_KERNEL(first_state_gradient)(const R *product, const R *carried, const R *factor, R *dh0,
                                     long long n) {
    RESPNET_INDEX(n)
    dh0[i] = product[i] * (factor ? factor[i] : R(1)) + carried[i];
}

#undef RESPNET_UNIT
#undef RESPNET_ENTERING
