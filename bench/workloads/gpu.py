"""On a GPU, beside PyTorch on the same card: training steps and predictions, by wall time.

A sample is STEPS batches in one call, the rows already on the device; it ends when the device is
done. Full float32 on both sides (PyTorch's default: no TF32 in products).
"""

import functools

import numpy as np

from respnet.engine import Model, ModelSpec, gpu
from respnet.engine.session import Session
from respnet.engine.trainer import Update

from .. import training
from ..harness import Bar, Contest, Skipped, Timed
from . import rnn

TITLE = "On a GPU, beside PyTorch on the same card"
STEPS = 20
DENSE = [("dense", {"units": 512, "activation": "relu"})] * 2
SOFTMAX = {"activation": "softmax"}
NETS = {
    "dense 784-512-512-10": (
        (784,), [*DENSE, ("dense", {"units": 10, **SOFTMAX})], "sparse_crossentropy", 4096
    ),
    **{name: case[:4] for name, case in rnn.TRAINING.items() if "SimpleRNN" not in name},
}


def contests(quick):
    if not gpu.available():
        raise Skipped("no GPU, or no CuPy to use it")
    for name, case in NETS.items():
        yield contest(f"{name}, {case[3]} rows, training step", _training, case)
        yield contest(f"{name}, {case[3]} rows, prediction", _predicting, case)


def contest(name, work, case):
    sides = work(*case)
    check = functools.partial(rnn.verify, sides, 1e-3)
    bars = (Bar(at_least=1.0, against="torch", metric="wall_us"),)
    return Contest(name, sides, check, bars, metric="wall_us")


def _rows(spec, rows):
    """(model on the device, x, y)"""
    model = Model(spec, device="gpu")
    rng, output = np.random.default_rng(2), model.output_shapes()[0]
    x = rng.normal(size=(rows, *spec.inputs[0][1])).astype(np.float32)
    if spec.loss == "sparse_crossentropy":
        return model, x, rng.integers(0, output[-1], (rows, *output[:-1], 1))
    return model, x, rng.normal(size=(rows, *output)).astype(np.float32)


def _training(shape, layers, loss, rows):
    model, x, y = _rows(ModelSpec.chain(shape, layers, loss=loss), rows)
    session = Session(model, Update.of("adam", training.ADAM))
    feed, order = session.feed([x], y), np.tile(np.arange(rows), STEPS)
    first = np.array([session.gradient(feed)[0]])
    return {
        "respnet": Timed(
            lambda: session.train(feed, order, rows), work=STEPS, answer=lambda: first
        ),
        "torch": _torch_training(model, x, y),
    }


def _torch_training(model, x, y):
    import torch

    from ..peers.torch_rnn import Net, loss_of

    net = Net(model).cuda()
    given = torch.tensor(x).cuda()
    loss = loss_of(model.spec.loss, y, "cuda")
    optimizer = torch.optim.Adam(net.parameters(), fused=True, lr=training.ADAM["learning_rate"])
    with torch.no_grad():
        first = np.array([loss(net(given)).item()])

    def steps():
        for _ in range(STEPS):
            optimizer.zero_grad()
            loss(net(given)).backward()
            optimizer.step()
        torch.cuda.synchronize()

    return Timed(steps, work=STEPS, answer=lambda: first)


def _predicting(shape, layers, loss, rows):
    import torch

    from ..peers.torch_rnn import Net

    model, x, _ = _rows(ModelSpec.chain(shape, layers, loss=loss), rows)
    net = Net(model).cuda().eval()

    def predict():
        with torch.inference_mode():
            y = net(torch.from_numpy(x).cuda())
            return (y.softmax(-1) if loss == "sparse_crossentropy" else y).cpu().numpy()

    return {"respnet": Timed(model.predict, x), "torch": Timed(predict)}
