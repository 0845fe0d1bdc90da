"""Rows of the op contract for sequences: embedding, recurrent layers, masks, steps in time.

Sequences are (B,T,N); a mask (B,T,1) is 1 where a step counts and 0 where it does not. Recurrent
ops take whole sequences. At a step whose mask is 0 the states stay, and the output is the state.
recurrent_mask multiplies h before the recurrent product (recurrent dropout). ``gates`` hold what
the backward pass needs, and it may overwrite them: nobody reads them again.
"""

# (name, operands, what it does, attributes)
ROWS = (
    (
        "embedding_forward",
        "x (B,T), table (V,H) -> y (B,T,H)",
        "y = table[x]; x holds whole numbers, below V or the run is refused",
        (),
    ),
    ("embedding_backward", "x (B,T), dy (B,T,H) -> +dtable? (V,H)", "dtable[x] += dy", ("words",)),
    (
        "simple_rnn_forward",
        "x (B,T,I), kernel (I,H), recurrent_kernel (H,H), bias? (H), h0? (B,H), mask? (B,T,1), "
        "recurrent_mask? (B,H) -> y (B,T,H)",
        "h = activation(x kernel + h recurrent_kernel + bias)",
        ("activation",),
    ),
    (
        "simple_rnn_backward",
        "x (B,T,I), kernel (I,H), recurrent_kernel (H,H), h0? (B,H), mask? (B,T,1), "
        "recurrent_mask? (B,H), y (B,T,H), dy? (B,T,H), dh? (B,H) -> dx? (B,T,I), +dkernel? (I,H), "
        "+drecurrent_kernel? (H,H), +dbias? (H), dh0? (B,H)",
        "dy: of every output; dh: of the last one besides",
        ("activation",),
    ),
    (
        "lstm_forward",
        "x (B,T,I), kernel (I,G), recurrent_kernel (H,G), bias? (G), peephole? (3,H), h0? (B,H), "
        "c0? (B,H), mask? (B,T,1), recurrent_mask? (B,H) -> y (B,T,H), cells (B,T,H), "
        "gates (B,T,G)",
        "G = 4H gates i, f, c, o (Hochreiter and Schmidhuber 1997, Gers et al. 2000); peephole "
        "rows i, f see c[t-1], o sees c[t] (Gers and Schmidhuber 2000)",
        ("activation", "recurrent_activation"),
    ),
    (
        "lstm_backward",
        "x (B,T,I), kernel (I,G), recurrent_kernel (H,G), peephole? (3,H), h0? (B,H), c0? (B,H), "
        "mask? (B,T,1), recurrent_mask? (B,H), y (B,T,H), cells (B,T,H), gates (B,T,G), "
        "dy? (B,T,H), dh? (B,H), dc? (B,H) -> dx? (B,T,I), +dkernel? (I,G), "
        "+drecurrent_kernel? (H,G), +dbias? (G), +dpeephole? (3,H), dh0? (B,H), dc0? (B,H)",
        "dh, dc: of the last states, besides dy",
        ("activation", "recurrent_activation"),
    ),
    (
        "gru_forward",
        "x (B,T,I), kernel (I,G), recurrent_kernel (H,G), bias? (G), recurrent_bias? (G), "
        "h0? (B,H), mask? (B,T,1), recurrent_mask? (B,H) -> y (B,T,H), gates (B,T,4H)",
        "G = 3H gates z, r, h (Cho et al. 2014), h = z h + (1 - z) candidate. reset_after: the "
        "reset gate multiplies h recurrent_kernel + recurrent_bias, and the fourth of gates is "
        "that; else it multiplies h, and the fourth is r h",
        ("activation", "recurrent_activation", "reset_after"),
    ),
    (
        "gru_backward",
        "x (B,T,I), kernel (I,G), recurrent_kernel (H,G), h0? (B,H), mask? (B,T,1), "
        "recurrent_mask? (B,H), y (B,T,H), gates (B,T,4H), dy? (B,T,H), dh? (B,H) -> "
        "dx? (B,T,I), +dkernel? (I,G), +drecurrent_kernel? (H,G), +dbias? (G), "
        "+drecurrent_bias? (G), dh0? (B,H)",
        "dh: of the last state, besides dy",
        ("activation", "recurrent_activation", "reset_after"),
    ),
    ("last_step", "y (B,T,N) -> h (B,N)", "the last step of a sequence", ()),
    ("last_step_backward", "dh (B,N) -> dy (B,T,N)", "its gradient: 0 before", ("times",)),
    ("reverse_time", "x (B,T,N) -> y (B,T,N)", "opposite order of steps; its own gradient", ()),
    ("repeat_vector", "x (B,N) -> y (B,T,N)", "y[t] = x for every t", ("times",)),
    ("repeat_vector_backward", "dy (B,T,N) -> dx (B,N)", "sum over t", ()),
    ("compute_mask", "x (B,T,N) -> mask (B,T,1)", "1 where any number is not value", ("value",)),
    (
        "dropout_mask",
        "x (B,N) -> y (B,H)",
        "1 / (1 - rate) where kept, else 0; x lends its rows only",
        ("units", "rate", "salt", "seed"),
    ),
    ("multiply", "x (B,N), factor (B,N) -> y (B,N)", "y = x factor", ()),
    (
        "multiply_steps",
        "x (B,T,N), factor (B,N) -> y (B,T,N)",
        "y[t] = x[t] factor for every t; its own gradient",
        (),
    ),
)
