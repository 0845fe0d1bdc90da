"""Rows of the op contract for normalisation and for activations with constants or parameters.

The axes before N count as rows: statistics are of every number in a column.
"""

# Ops that must see all rows of a batch at once.
WHOLE_BATCH = {"moments"}

# (name, operands, what it does, attributes)
ROWS = (
    (
        "moments",
        "x (B,N), weight? (B,1) -> mean (N), variance (N)",
        "of the rows whose weight is 1",
        (),
    ),
    (
        "normalize_forward",
        "x (B,N), mean (N), variance (N), gamma? (N), beta? (N) -> y (B,N)",
        "y = gamma (x - mean) / sqrt(variance + epsilon) + beta (Ioffe and Szegedy 2015)",
        ("epsilon",),
    ),
    (
        "normalize_backward",
        "x (B,N), mean (N), variance (N), gamma? (N), weight? (B,1), dy (B,N) -> "
        "dx? (B,N), +dgamma? (N), +dbeta? (N)",
        "fixed: mean and variance are constants, else they are the moments of x",
        ("epsilon", "fixed"),
    ),
    (
        "moving_average",
        "value (N), average (N) -> +average (N)",
        "average += (1 - momentum) (value - average)",
        ("momentum",),
    ),
    (
        "layer_norm_forward",
        "x (B,N), gamma? (N), beta? (N) -> y (B,N), statistics (B,2)",
        "each row of ``width`` numbers by its own mean and variance (Ba, Kiros and Hinton 2016); "
        "statistics: mean and 1 / deviation",
        ("epsilon", "width"),
    ),
    (
        "layer_norm_backward",
        "x (B,N), gamma? (N), statistics (B,2), dy (B,N) -> dx? (B,N), +dgamma? (N), +dbeta? (N)",
        "its gradient",
        ("width",),
    ),
    ("log_softmax_forward", "x (B,N) -> y (B,N)", "y = x - log sum exp(x)", ()),
    ("log_softmax_backward", "y (B,N), dy (B,N) -> dx (B,N)", "dx = dy - exp(y) sum(dy)", ()),
    (
        "relu_forward",
        "x (B,N) -> y (B,N)",
        "slope (x - threshold) below the threshold, x above it, max_value at most",
        ("max_value", "negative_slope", "threshold"),
    ),
    (
        "relu_backward",
        "x (B,N), dy (B,N) -> dx (B,N)",
        "its gradient",
        ("max_value", "negative_slope", "threshold"),
    ),
    ("elu_forward", "x (B,N) -> y (B,N)", "x, or alpha (exp(x) - 1) below 0", ("alpha",)),
    (
        "elu_backward",
        "x (B,N), y (B,N), dy (B,N) -> dx (B,N)",
        "dy, or dy (y + alpha) below 0",
        ("alpha",),
    ),
    (
        "prelu_forward",
        "x (B,N), alpha (N) -> y (B,N)",
        "x, or alpha x below 0 (He et al. 2015)",
        (),
    ),
    (
        "prelu_backward",
        "x (B,N), alpha (N), dy (B,N) -> dx? (B,N), +dalpha (N)",
        "its gradient",
        (),
    ),
)
