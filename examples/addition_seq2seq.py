"""A network reads "12+345" letter by letter and writes "357": one LSTM reads, another writes.

    python examples/addition_seq2seq.py                           three digits, some minutes
    python examples/addition_seq2seq.py --digits 2 --questions 5000 --epochs 55 --batch-size 32

Another addition than examples/addition.py, where numbers go in and a number comes out.
"""

import argparse

import numpy as np

from respnet.layers import LSTM, Dense, Input, RepeatVector, TimeDistributed
from respnet.models import Sequential
from respnet.preprocessing import to_categorical
from respnet.utils import set_random_seed

CHARACTERS = " +0123456789"
GREEN, RED, PLAIN = "\033[92m", "\033[91m", "\033[0m"


def questions(count, digits, seed):
    """Texts like "12+345 ", each pair of numbers once, and answers like "357 "; both padded."""
    rng = np.random.default_rng(seed)
    if count > (10**digits + 1) * 10**digits // 2:
        raise SystemExit(f"there are fewer than {count} questions of {digits} digits")
    pairs = {}  # a set that keeps its order
    while len(pairs) < count:
        lengths = rng.integers(1, digits + 1, 2)  # short numbers are as frequent as long ones
        pairs[tuple(sorted(int(rng.integers(0, 10**length)) for length in lengths))] = None
    asked = [(pair if rng.random() < 0.5 else pair[::-1]) for pair in pairs]
    texts = [f"{a}+{b}".ljust(2 * digits + 1) for a, b in asked]
    return texts, [str(a + b).ljust(digits + 1) for a, b in asked]


def one_hot(texts):
    """Texts of T characters each -> (N, T, 12)"""
    codes = [[CHARACTERS.index(character) for character in text] for text in texts]
    return to_categorical(codes, len(CHARACTERS))


def text_of(scores):
    """(T, 12) -> text of T characters"""
    return "".join(CHARACTERS[code] for code in scores.argmax(-1))


def network(digits):
    """205,324 parameters, whatever the digits."""
    model = Sequential(
        [
            Input((2 * digits + 1, len(CHARACTERS))),
            LSTM(128),
            RepeatVector(digits + 1),
            LSTM(128, return_sequences=True),
            TimeDistributed(Dense(len(CHARACTERS), activation="softmax")),
        ],
        name="addition",
    )
    model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
    return model


def show(question, answer, said):
    mark = f"{GREEN}☑{PLAIN}" if said == answer else f"{RED}☒{PLAIN}"
    print(f"  {question} = {answer} {mark} {said}")


def main(options):
    set_random_seed(options.seed)
    texts, answers = questions(options.questions, options.digits, options.seed)
    x = one_hot([text[::-1] for text in texts])  # read backwards: units meet sooner
    y = one_hot(answers)
    held_out = len(x) // 10
    model = network(options.digits)
    model.summary()
    for epoch in range(options.epochs):
        model.fit(
            x,
            y,
            batch_size=options.batch_size,
            initial_epoch=epoch,
            epochs=epoch + 1,
            validation_split=0.1,
        )
        for row in np.random.randint(len(x) - held_out, len(x), 10):
            show(texts[row], answers[row], text_of(model.predict(x[row : row + 1])[0]))
    said = [text_of(scores) for scores in model.predict(x[-held_out:])]
    right = np.mean([a == b for a, b in zip(said, answers[-held_out:], strict=True)])
    print(f"accuracy {right:.3f} on {held_out} whole answers it has not seen")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--digits", type=int, default=3, help="of a number (%(default)s)")
    parser.add_argument("--questions", type=int, default=50_000)
    parser.add_argument("--epochs", type=int, default=39)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--seed", type=int, default=1)
    main(parser.parse_args())
