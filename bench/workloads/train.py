"""Adam: one step (forward, backward, update) on a batch, relu and softmax cross-entropy.

respnet's time includes shuffling and gathering the rows; PyTorch's batches are cut beforehand.
"""

import functools

from .. import nets, training
from ..harness import Bar, Contest, agree
from ..peers import sides

TITLE = "Adam, one step on a batch of 128, one thread"
PEERS = ("respnet", "torch")
SIZES, BATCHES = (784, 100, 10), 16


def contests(quick):
    net = nets.Net.random(SIZES, "relu", "softmax")
    count = training.BATCH * (2 if quick else BATCHES)
    x, y = nets.rows(count, SIZES[0]), nets.one_hot(count, SIZES[-1])
    taking_part, skipped = sides("adam", PEERS, net, x, y)
    yield Contest(
        f"{net.name}, one step",
        taking_part,
        functools.partial(verify, taking_part, net, x, y),
        (Bar(at_least=2.0, against="torch"),),
        skipped,
    )


def verify(taking_part, net, x, y):
    order = training.shuffled(len(x))
    expected = training.adam64(net, x[order], y[order])
    error = max(agree(name, side.answer(), expected, 1e-4) for name, side in taking_part.items())
    return (f"Checked: the mean loss of the first epoch and the loss after it are float64 "
            f"NumPy's within {error:.1g}.")
