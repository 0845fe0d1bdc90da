"""Two LSTM layers follow a price: from 50 days to the next one, then ten days ahead.

    python examples/price_lstm.py                            a random walk
    python examples/price_lstm.py --data Bitcoin.csv         a table with a column Close

A demonstration: "tomorrow as today" is hard to beat, and its error is printed beside the model's.
"""

import argparse
import csv

import numpy as np

from respnet.draw import sparkline
from respnet.layers import LSTM, Activation, Dense, Dropout, Input
from respnet.models import Sequential
from respnet.preprocessing import relative_windows
from respnet.utils import set_random_seed

WINDOW, AHEAD = 50, 10


def random_walk(days, seed):
    """Prices (days,) that drift up by 0.1 % a day and jump by 3 %."""
    return 100 * np.exp(np.random.default_rng(seed).normal(0.001, 0.03, days).cumsum())


def read(path):
    """Closing prices, oldest first."""
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return np.array([float(row["Close"]) for row in reversed(rows)])


def network():
    """70,901 parameters; sequences of any length."""
    model = Sequential(
        [
            Input((None, 1)),
            LSTM(50, return_sequences=True),
            Dropout(0.2),
            LSTM(100),
            Dropout(0.2),
            Dense(1),
            Activation("linear"),
        ],
        name="price",
    )
    model.compile(loss="mse", optimizer="rmsprop")
    return model


def look_ahead(model, prices):
    """Ten prices behind the last one.

    The window loses its oldest day each time and gets none in return, so it shrinks from 50 days
    to 41: what the model says is always about days that were seen.
    """
    window = (prices[-WINDOW:] / prices[-WINDOW] - 1)[None, :, None]
    steps = [model.predict(window[:, day:])[0, 0] for day in range(AHEAD)]
    return (np.array(steps) + 1) * prices[-WINDOW]


def main(options):
    set_random_seed(options.seed)
    prices = read(options.data) if options.data else random_walk(options.days, options.seed)
    x, y = relative_windows(prices, WINDOW)
    model = network()
    model.summary()
    history = model.fit(
        x, y, batch_size=512, epochs=options.epochs, validation_split=options.validation_split
    )
    print(history)

    held_out = x[int(len(x) * (1 - options.validation_split)) :]
    same = np.mean((held_out[:, -1, 0] - y[-len(held_out) :]) ** 2)
    loss = history.history["val_loss"][-1]
    print(f"error {loss:.5f} on {len(held_out)} windows it has not seen")
    print(f"error {same:.5f} of who says that tomorrow is as today")
    ahead = look_ahead(model, prices)
    print(f"last days {sparkline(prices[-WINDOW:])} {prices[-1]:,.2f}")
    print("ten ahead", *(f"{price:,.2f}" for price in ahead))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", help="CSV with a column Close, newest row first")
    parser.add_argument("--days", type=int, default=1000, help="of the random walk (%(default)s)")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--validation-split", type=float, default=0.05)
    parser.add_argument("--seed", type=int, default=1)
    main(parser.parse_args())
