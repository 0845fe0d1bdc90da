"""Rows of the op contract for a user's own layer (``layers/python.py``) and
loss (``losses_python.py``).

The attribute is an object of Python, which no spec from a file or the wire can bring along.
"""

INPUTS, OUTPUTS = 4, 3

ROWS = (
    (
        "python_forward",
        "x (B,N), x1? (B,N), x2? (B,N), x3? (B,N), weights? (P), constants? (C) "
        "-> y (B,N), y1? (B,N), y2? (B,N)",
        "y = function.forward(x, weights)",
        ("function",),
    ),
    (
        "python_backward",
        "x (B,N), x1? (B,N), x2? (B,N), x3? (B,N), weights? (P), constants? (C), dy? (B,N), "
        "dy1? (B,N), dy2? (B,N) -> dx? (B,N), dx1? (B,N), dx2? (B,N), dx3? (B,N), +dweights? (P)",
        "dx, dweights = function.backward(dy), of what the forward step saved",
        ("function",),
    ),
    (
        "python_loss",
        "prediction (B,N), target (B,N), weight? (B) -> dprediction (B,N)",
        "a user's own loss: value, dprediction = function.loss(...)",
        ("function", "term", "scale"),
    ),
)
