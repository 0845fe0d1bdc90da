"""Who said that? A recurrent network tells five speakers by their lines.

    python examples/who_said_that.py                              lines made up here
    python examples/who_said_that.py --data LINES.csv             a table: character,line

It writes what a service needs into the folder --out: the model, its classes and its words.
"""

import argparse
import csv
import json
from pathlib import Path

import numpy as np

from respnet.layers import Dense, Embedding, SimpleRNN
from respnet.models import Sequential
from respnet.preprocessing import Tokenizer, pad_sequences, to_categorical, train_test_split
from respnet.utils import set_random_seed

WORDS, LENGTH = 10_000, 150  # words known at most; words of a line

# speaker -> how they begin, what they talk about, how they end
SPEAKERS = {
    "Captain Orla": (
        ["all hands", "steady now", "mister mate", "by my charts"],
        ["the wind turns north", "we sail at dawn", "that reef is near", "reef the main sail"],
        ["and that is an order", "look alive", "or we all swim"],
    ),
    "Doctor Fenn": (
        ["fascinating", "in my opinion", "the evidence says", "according to my notes"],
        ["this moss glows at night", "the fever is gone", "these shells are very old"],
        ["i shall write a paper", "quite harmless", "hand me the lens"],
    ),
    "Gadget 7": (
        ["beep", "beep beep", "unit seven reports", "alert"],
        ["battery at nine percent", "the pump is repaired", "unknown object ahead"],
        ["end of message", "awaiting input", "beep"],
    ),
    "Magda": (
        ["oh dear", "come and eat", "in my kitchen", "listen love"],
        ["the soup is getting cold", "someone stole a pie", "there is salt in the tea"],
        ["wash your hands", "eat something first", "poor thing"],
    ),
    "Pip": (
        ["wow", "guess what", "hey hey", "no fair"],
        ["i climbed the big mast", "i saw a whale jump", "the parrot knows my name"],
        ["can i do it again", "honest", "it was this big"],
    ),
}
ANYONE = ["what was that noise", "who is there", "look over there", "we should go back"]
ASK = {
    False: ["beep unknown object ahead", "wow honest", "steady now we sail at dawn"],
    True: ["jinkies", "like hang on scoob", "rokay raggy"],
}


def made_up(rows, seed):
    """Speakers and lines (rows of each); a line in eight could be anyone's."""
    rng = np.random.default_rng(seed)
    speakers, lines = [], []
    for _ in range(rows):
        speaker = rng.choice(list(SPEAKERS))
        begin, middle, end = (rng.choice(phrases) for phrases in SPEAKERS[speaker])
        parts = [begin, middle, end][rng.integers(0, 2) : rng.integers(2, 4)]
        if rng.random() < 1 / 8:
            parts = [rng.choice(ANYONE)]
        speakers.append(str(speaker))
        lines.append(" ".join(parts))
    return speakers, lines


def read(path):
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [row["character"] for row in rows], [row["line"] for row in rows]


def network(classes):
    """322,245 parameters for five classes."""
    model = Sequential(
        [
            Embedding(WORDS, 32, input_length=LENGTH),
            SimpleRNN(32),
            Dense(classes, activation="softmax"),
        ],
        name="who-said-that",
    )
    model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
    return model


def ask(model, tokenizer, classes, line):
    words = tokenizer.texts_to_sequences([line])
    (scores,) = model.predict(pad_sequences(words, maxlen=LENGTH))
    print(f"\n{line!r} {words[0]} is {classes[scores.argmax()]}")
    for score, speaker in sorted(zip(scores, classes, strict=True), reverse=True):
        print(f"  {score:.5f} {speaker}")


def main(options):
    set_random_seed(options.seed)
    speakers, lines = read(options.data) if options.data else made_up(options.rows, options.seed)
    classes, numbers = np.unique(speakers, return_inverse=True)
    tokenizer = Tokenizer(num_words=WORDS)
    tokenizer.fit_on_texts(lines)
    x = pad_sequences(tokenizer.texts_to_sequences(lines), maxlen=LENGTH)
    y = to_categorical(numbers)
    x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.2, random_state=42)
    print(f"{len(lines)} lines, {len(tokenizer.word_index)} words, {len(classes)} speakers")

    model = network(len(classes))
    model.summary()
    model.fit(x_train, y_train, batch_size=25, epochs=options.epochs)
    loss, accuracy = model.evaluate(x_test, y_test)
    print(f"loss {loss:.3f}, accuracy {accuracy:.3f} on {len(x_test)} lines it has not seen")
    for line in ASK[bool(options.data)]:
        ask(model, tokenizer, classes, line)

    options.out.mkdir(parents=True, exist_ok=True)
    model.save(options.out / "model.respnet")
    model.export(options.out / "model.onnx", format="onnx")
    (options.out / "classes.json").write_text(json.dumps(classes.tolist()))
    (options.out / "word_index.json").write_text(json.dumps(tokenizer.word_index))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", help="CSV with the columns character,line")
    parser.add_argument("--rows", type=int, default=1688, help="lines to make up (%(default)s)")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("who-said-that"))
    main(parser.parse_args())
