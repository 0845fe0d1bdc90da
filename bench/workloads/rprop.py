"""RPROP: one full-batch epoch (forward, backward, update) of a sigmoid net, one thread."""

import functools

from .. import nets, training
from ..harness import Bar, Contest, agree
from ..peers import sides

TITLE = "RPROP, one full-batch epoch, one thread"
PEERS = ("respnet", "numpy", "numpy, feature-major", "torch")
# sizes, rows, how many times faster than which peer
CASES = (
    ((9, 15, 2), 600, {"numpy": 8.0, "torch": 22.0}),
    ((784, 100, 10), 5000, {"numpy": 1.7, "torch": 2.1}),
)


def contests(quick):
    for sizes, rows, bars in CASES:
        rows = min(rows, 500) if quick else rows
        net = nets.Net.random(sizes, "sigmoid", "sigmoid")
        x, y = nets.rows(rows, sizes[0]), nets.one_hot(rows, sizes[-1])
        taking_part, skipped = sides("rprop", PEERS, net, x, y)
        yield Contest(
            f"{net.name}, {rows} rows",
            taking_part,
            functools.partial(verify, taking_part, net, x, y),
            tuple(Bar(at_least=limit, against=peer) for peer, limit in bars.items()),
            skipped,
        )


def verify(taking_part, net, x, y):
    expected = training.losses64(net, x, y)
    error = max(agree(name, side.answer(), expected, 1e-3) for name, side in taking_part.items())
    return (f"Checked: the losses of the first {training.EPOCHS} epochs are float64 NumPy's "
            f"within {error:.1g}.")
