"""A network learns to write, letter by letter: layers of GRU whose memory runs through the text.

    python examples/text_generator.py --units 128 --layers 2      learn from text made up here
    python examples/text_generator.py --data FOLDER               from all its *.txt files
    python examples/text_generator.py --play text-generator/last.respnet --top 2

Checkpoints and curves for TensorBoard go to the folder --out. With more than five texts the last
one is held out to validate on. Three layers of 512 units, the talk's, take minutes an epoch.
"""

import argparse
from pathlib import Path
from time import perf_counter

import numpy as np

from respnet.callbacks import LambdaCallback, ModelCheckpoint, TensorBoard
from respnet.layers import GRU, Dense, Input
from respnet.models import Sequential, load_model
from respnet.preprocessing import Alphabet, minibatch_sequencer
from respnet.utils import set_random_seed

ALPHABET = Alphabet()  # 98 codes
ONE_HOT = np.eye(ALPHABET.size, dtype=np.float32)
LONG = 1024  # characters of a validation sequence

WHO = ["the ferryman", "an old clerk", "my sister", "the red-haired smith", "a stranger", "nobody"]
DOES = ["counted", "carried", "forgot", "painted", "sold", "dreamed of", "waited for"]
WHAT = ["seven lanterns", "the last boat", "a letter", "two grey geese", "the bridge", "rain"]
WHEN = ["at noon", "in the spring", "before the bells", "while we slept", "again and again"]


def made_up(books, characters, seed):
    """Texts of about so many characters each, by a grammar of one kind of sentence."""
    rng = np.random.default_rng(seed)
    texts = []
    for number in range(books):
        text = f"BOOK {number + 1}\n\n"
        while len(text) < characters:
            words = [rng.choice(part) for part in (WHO, DOES, WHAT, WHEN)]
            sentence = " ".join(words[: rng.integers(3, 5)]).capitalize()
            text += sentence + rng.choice([". ", ". ", ".\n", "!\n"])
        texts.append(text)
    return texts


def read(folder):
    return [path.read_text(encoding="utf-8") for path in sorted(Path(folder).glob("*.txt"))]


def network(units, layers):
    """4,137,570 parameters with 3 layers of 512. The reset gate works before the product."""
    memory = {"return_sequences": True, "stateful": True, "reset_after": False}
    model = Sequential(
        [
            Input((None, ALPHABET.size)),
            *[GRU(units, **memory) for _ in range(layers)],
            Dense(ALPHABET.size, activation="softmax"),
        ],
        name="text-generator",
    )
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def batches(codes, options):
    """(one-hot (B,T,98), next codes (B,T)) of all epochs; each row goes on in the next batch."""
    for x, y, _ in minibatch_sequencer(codes, options.batch, options.sequence, options.epochs):
        yield ONE_HOT[x], y


def validation(text):
    """(one-hot, next codes) of sequences that each begin with an empty memory."""
    codes = ALPHABET.encode(text)
    long = min(LONG, len(codes) - 1)
    used = (len(codes) - 1) // long * long
    return ONE_HOT[codes[:used].reshape(-1, long)], codes[1 : used + 1].reshape(-1, long)


def write(model, options):
    """Text, each character drawn by its chance among the ``top`` likeliest.

    temperature: below 1 the likely ones become likelier, above 1 the others.
    """
    step = model.stepper()
    text = options.begin
    for code in ALPHABET.encode(text):
        chances = step(ONE_HOT[code])[0, 0]
    while len(text) < options.length:
        kept = np.argpartition(chances, -options.top)[-options.top :]
        weights = chances[kept].astype(np.float64) ** (1 / options.temperature)
        code = kept[np.searchsorted(weights.cumsum(), np.random.random() * weights.sum())]
        text += ALPHABET.decode(code)
        chances = step(ONE_HOT[code])[0, 0]
    return text


def play(options):
    model = load_model(options.play)
    before = perf_counter()
    print(write(model, options))
    print(f"\n{options.length / (perf_counter() - before):,.0f} characters a second")


def train(options):
    texts = read(options.data) if options.data else made_up(6, options.characters, options.seed)
    held_out = validation(texts.pop()) if len(texts) > 5 else None
    codes = ALPHABET.encode("".join(texts))
    steps = (len(codes) - 1) // (options.batch * options.sequence)
    print(f"{len(codes):,} characters to learn from, {steps} batches an epoch")

    model = network(options.units, options.layers)
    model.summary()
    seen = 0

    def show(batch, logs):
        nonlocal seen
        seen += 1
        if seen % options.sample_every == 0:
            print(f"\n--- after {seen} batches, loss {logs['loss']:.3f}\n", flush=True)
            print(write(model, options), flush=True)

    model.fit(
        batches(codes, options),
        steps_per_epoch=steps,
        epochs=options.epochs,
        validation_data=held_out,
        validation_batch_size=held_out and len(held_out[0]),
        callbacks=[
            LambdaCallback(on_train_batch_end=show),
            TensorBoard(options.out / "logs", update_freq=50),
            ModelCheckpoint(
                options.out / "rnn-{step}.respnet",
                save_freq=options.save_every,
                max_to_keep=options.keep,
            ),
        ],
    )
    model.save(options.out / "last.respnet")
    print(write(model, options))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", help="folder of *.txt files")
    parser.add_argument("--characters", type=int, default=50_000, help="of each text made up")
    parser.add_argument("--play", help="a checkpoint to write with; nothing is learnt")
    parser.add_argument("--units", type=int, default=512)
    parser.add_argument("--layers", type=int, default=3)
    parser.add_argument("--batch", type=int, default=200, help="rows of a batch (%(default)s)")
    parser.add_argument("--sequence", type=int, default=30, help="characters of a row")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--sample-every", type=int, default=150, help="batches between samples")
    parser.add_argument("--save-every", type=int, default=500, help="batches between checkpoints")
    parser.add_argument("--keep", type=int, default=3, help="checkpoints kept")
    parser.add_argument("--length", type=int, default=1000, help="characters to write")
    parser.add_argument("--begin", default="K", help="what the text begins with")
    parser.add_argument("--temperature", type=float, default=1.0)
    parser.add_argument("--top", type=int, default=10, help="candidates for each character")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("text-generator"))
    options = parser.parse_args()
    set_random_seed(options.seed)
    play(options) if options.play else train(options)
