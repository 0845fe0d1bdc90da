"""Rows of the op contract for layers that join, move and encode numbers, and for noise.

P: places of a row that are treated alike. ``rearrange`` reads number offset + sum of i_k strides[k]
of a row for place (i_0, i_1, ...) of an output of ``lengths``: transposing, cropping, repeating.
"""

# (name, operands, what it does, attributes)
ROWS = (
    ("affine", "x (B,N) -> y (B,N)", "y = scale x + offset", ("scale", "offset")),
    ("maximum_forward", "x (B,N), other (B,N) -> y (B,N)", "the larger of the two", ()),
    (
        "maximum_backward",
        "x (B,N), other (B,N), dy (B,N) -> dx (B,N)",
        "dy where x is larger, half of it where they are equal",
        (),
    ),
    ("minimum_forward", "x (B,N), other (B,N) -> y (B,N)", "the smaller of the two", ()),
    (
        "minimum_backward",
        "x (B,N), other (B,N), dy (B,N) -> dx (B,N)",
        "dy where x is smaller, half of it where they are equal",
        (),
    ),
    (
        "concatenate",
        "x (B,M), y (B,N) -> z (B,O)",
        "at each of the places of a row, the numbers of x, then those of y",
        ("places",),
    ),
    ("split", "z (B,O) -> x? (B,M), y? (B,N)", "its gradient", ("places", "width")),
    (
        "rearrange_forward",
        "x (B,N) -> y (B,M)",
        "y[i] = x[offset + sum of i strides]",
        ("lengths", "strides", "offset"),
    ),
    (
        "rearrange_backward",
        "dy (B,M) -> dx (B,N)",
        "dx[offset + sum of i strides] = sum of dy[i]; 0 where nothing was read",
        ("lengths", "strides", "offset", "columns"),
    ),
    ("one_hot", "x (B,T) -> y (B,T,V)", "y[x] = 1; x as of an embedding", ("tokens",)),
    (
        "count_tokens",
        "x (B,P,T) -> y (B,P,V)",
        "how often each token is in x; once: whether it is",
        ("tokens", "once"),
    ),
    (
        "normal",
        "x (B,N) -> y (B,N)",
        "normal numbers from a hash of seed, row and unit; x lends its rows only",
        ("mean", "deviation", "salt", "seed"),
    ),
)
