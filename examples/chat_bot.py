"""A chat bot whose memory lives in the server: it still knows your name after a restart of both.

    respnet serve --dir data &
    python examples/chat_bot.py redis://127.0.0.1:6390 --learn
    python examples/chat_bot.py redis://127.0.0.1:6390 --say "hello my name is pip"
    python examples/chat_bot.py redis://127.0.0.1:6390 --say "what is my name"

A GRU learns made-up talks word by word. In the server a step takes a word and the state, and gives
the chances of the next word and the new state; the state is the tensor ``talk:WHO``, so a talk can
go on anywhere, at any time, with any client.
"""

import argparse

import numpy as np

import respnet
from respnet.layers import GRU, Dense, Embedding, Input
from respnet.models import Model
from respnet.optimizers import Adam

NAMES = ["ana", "carl", "pip"]
PLACES = ["rome", "oslo", "lima"]
HELLO = ["hello", "hi", "good morning"]
END = "."  # of what either says
WORDS = sorted({word for text in [
    *NAMES, *PLACES, *HELLO, END, "my name is", "i live in", "nice to meet you", "how is", "what",
    "where do i live", "you are in"] for word in text.split()})
NUMBER = {word: number for number, word in enumerate(WORDS)}
LENGTH, LONGEST = 48, 12  # words of a talk to learn from, of an answer
UNITS = 64


def talk(rng):
    """The words of a talk: the name and the place that were told are asked for now and then."""
    name, place, hello = rng.choice(NAMES), rng.choice(PLACES), rng.choice(HELLO)
    parts = [f"{hello} my name is {name} . nice to meet you {name} .",
             f"i live in {place} . how is {place} ."]
    asked = [f"what is my name . you are {name} .", f"where do i live . you are in {place} ."]
    parts = [parts[0], *[asked[0]] * rng.integers(0, 2), parts[1], *rng.choice(asked, 5)]
    return " ".join(parts).split()[:LENGTH]


def networks():
    """(what learns: words (B,T), state (B,UNITS) -> chances; what answers: also the state)"""
    words, state = Input((None,)), Input((UNITS,))
    rows = Embedding(len(WORDS), 24)(words)
    steps, last = GRU(UNITS, return_sequences=True, return_state=True)(rows, initial_state=state)
    chances = Dense(len(WORDS), activation="softmax")(steps)
    learner = Model([words, state], chances)
    learner.compile(Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return learner, Model([words, state], [chances, last])


def learn(url, options):
    respnet.set_random_seed(options.seed)
    rng = np.random.default_rng(options.seed)
    talks = [[NUMBER[word] for word in talk(rng)] for _ in range(options.talks)]
    rows = np.array(talks, np.float32)
    learner, answerer = networks()
    state = np.zeros((len(rows), UNITS), np.float32)
    history = learner.fit([rows[:, :-1], state], rows[:, 1:], batch_size=32,
                          epochs=options.epochs, verbose=0)
    answerer.deploy(url, "bot")
    print(f"accuracy {history.history['accuracy'][-1]:.3f} on the next word of {len(rows)} talks")


class Talk:
    """One person's talk with the bot."""

    def __init__(self, server, who):
        self.server, self.key = server, f"talk:{who}"
        if not server.redis.exists(self.key):
            server.tensor_set(self.key, np.zeros((1, UNITS), np.float32))

    def step(self, words):
        """The bot hears words -> the chances of the next one. The state stays in the server."""
        numbers = np.array([[NUMBER[word] for word in words]], np.float32)
        dag = self.server.dag(load=self.key, persist=self.key).tensor_set("words", numbers)
        dag.model_run("bot", ["words", self.key], ["chances", self.key])
        (chances,) = dag.tensor_get("chances").run()
        return chances[0, -1]

    def say(self, text):
        """What the bot answers."""
        heard = [word for word in text.lower().split() if word in NUMBER]
        chances, said = self.step([*heard, END]), []
        while len(said) < LONGEST and (word := WORDS[chances.argmax()]) != END:
            said.append(word)
            chances = self.step([word])
        self.step([END])
        return " ".join(said)


def main(options):
    if options.learn:
        learn(options.url, options)
    with respnet.connect(options.url) as server:
        for text in options.say:
            print(f"> {text}\n{Talk(server, options.who).say(text)}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("url", help="of a server")
    parser.add_argument("--learn", action="store_true", help="learn, and store the bot")
    parser.add_argument("--say", action="append", default=[], metavar="TEXT")
    parser.add_argument("--who", default="me", help="whose talk it is (%(default)s)")
    parser.add_argument("--talks", type=int, default=1500, help="to learn from (%(default)s)")
    parser.add_argument("--epochs", type=int, default=90)
    parser.add_argument("--seed", type=int, default=2)
    main(parser.parse_args())
