"""Fraud scoring: a dense net learns to tell bad card payments and scores each one in a server.

    respnet serve &
    python examples/fraud_scoring.py redis://127.0.0.1:6390

Each payment is one AI.DAGEXECUTE: its 30 numbers go in, the model runs, its two scores come out and
are kept under a key of the payment. Without an address a server is started for the example.
"""

import argparse
import contextlib
import time

import numpy as np

import respnet
from respnet.layers import Dense
from respnet.models import Sequential

COLUMNS = 30  # time, 28 anonymous figures, amount: as in the card data of aibench
BAD = 0.2  # of all payments; in life far fewer


def payments(rows, seed):
    """Payments (rows,30) and which are bad (rows): those lie elsewhere in some columns, and not
    all of them far."""
    rng = np.random.default_rng(seed)
    bad = rng.random(rows) < BAD
    x = rng.normal(size=(rows, COLUMNS))
    where = np.random.default_rng(0).normal(size=COLUMNS) * (np.arange(COLUMNS) % 3 == 0)
    x += np.outer(bad * rng.uniform(0.5, 2.0, rows), where)
    return x.astype(np.float32), bad.astype(np.int64)


def network():
    """30-18-27-40-2, the layers of aibench's model."""
    model = Sequential(
        [
            Dense(18, activation="sigmoid", input_shape=(COLUMNS,)),
            Dense(27, activation="sigmoid"),
            Dense(40, activation="sigmoid"),
            Dense(2, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def score(server, number, row):
    """The scores of one payment, kept as ``score:number``: one round trip."""
    name = f"score:{number}"
    dag = server.dag(persist=name).tensor_set("payment", row[None])
    (scores,) = dag.model_run("fraud", "payment", name).tensor_get(name).run()
    return scores[0]


def main(options):
    respnet.set_random_seed(options.seed)
    x, bad = payments(options.rows, options.seed)
    model = network()
    model.fit(x, bad, batch_size=50, epochs=options.epochs, verbose=0)

    x, bad = payments(options.payments, options.seed + 1)
    with contextlib.ExitStack() as stack:
        url = options.url or stack.enter_context(own_server())
        model.deploy(url, "fraud", tag="first")
        server = stack.enter_context(respnet.connect(url))
        start = time.perf_counter()
        scores = np.array([score(server, i, row) for i, row in enumerate(x)])
        seconds = time.perf_counter() - start
        kept = server.tensor_get("score:0")[0]
    print(f"accuracy {np.mean(scores.argmax(1) == bad):.3f} on {len(x)} payments it has not seen")
    print(f"{1e6 * seconds / len(x):.0f} µs a payment; the first was scored {kept[1]:.3f}")


def own_server():
    from respnet.cli_embed import embedded

    return embedded()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("url", nargs="?", help="of a server; without it one is started")
    parser.add_argument("--rows", type=int, default=5000, help="to learn from (%(default)s)")
    parser.add_argument("--payments", type=int, default=1000, help="to score (%(default)s)")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    main(parser.parse_args())
