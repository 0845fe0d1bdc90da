"""Dense inference in process, called from Python; respnet's time includes the array it returns,
onnxruntime's and NumPy's write into buffers bound or allocated once."""

import functools

from .. import nets
from ..harness import Bar, Contest, agree
from ..peers import sides

TITLE = "Inference in process, one thread"
PEERS = ("respnet", "onnxruntime", "numpy", "torch")
# sizes, hidden and output activation, rows, how many times faster than onnxruntime
CASES = (
    ((9, 15, 2), "sigmoid", "sigmoid", 1, 12.0),
    ((64, 100, 10), "relu", "softmax", 1, 8.0),
    ((784, 100, 10), "relu", "softmax", 1, None),
    ((784, 512, 512, 10), "relu", "softmax", 1, 1.3),
    ((9, 15, 2), "sigmoid", "sigmoid", 256, 1.5),
    ((64, 100, 10), "relu", "softmax", 256, 1.1),
    ((784, 100, 10), "relu", "softmax", 256, None),
    ((784, 512, 512, 10), "relu", "softmax", 256, 1.0),
)


def contests(quick):
    for sizes, hidden, output, rows, limit in CASES:
        net = nets.Net.random(sizes, hidden, output)
        x = nets.rows(rows, sizes[0])
        taking_part, skipped = sides("inference", PEERS, net, x)
        yield Contest(
            f"{net.name}, {rows} row{'s' * (rows > 1)}",
            taking_part,
            functools.partial(verify, taking_part, net, x),
            (Bar(at_least=limit, against="onnxruntime"),) if limit else (),
            skipped,
        )


def verify(taking_part, net, x):
    expected = net.predict64(x)
    error = max(agree(name, side.answer(), expected, 1e-5) for name, side in taking_part.items())
    return f"Checked: every answer is float64 NumPy's within {error:.1g} of the largest value."
