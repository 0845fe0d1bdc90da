"""Three dense layers tell three kinds of iris: the whole round of Sequential in one screen.

Needs the "sklearn" extra for the flowers. (examples/iris.py: the same flowers with NR's Network.)
"""

import argparse

from sklearn.datasets import load_iris

from respnet.layers import Dense
from respnet.models import Sequential
from respnet.preprocessing import to_categorical, train_test_split
from respnet.utils import set_random_seed


def main(options):
    set_random_seed(options.seed)
    x, kind = load_iris(return_X_y=True)
    names = load_iris().target_names
    x_train, x_test, y_train, y_test = train_test_split(
        x, to_categorical(kind), test_size=0.2, random_state=42
    )

    model = Sequential(
        [
            Dense(5, activation="relu", input_shape=(4,)),
            Dense(5, activation="relu"),
            Dense(3, activation="softmax"),
        ]
    )
    model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
    model.summary()
    history = model.fit(x_train, y_train, batch_size=20, epochs=options.epochs, verbose=0)
    print(history)
    loss, accuracy = model.evaluate(x_test, y_test)
    print(f"loss {loss:.3f}, accuracy {accuracy:.3f} on {len(x_test)} flowers it has not seen")

    for flower, scores in zip(x_test[:3], model.predict(x_test[:3]), strict=True):
        print(f"{flower} {names[scores.argmax()]} {scores.max():.1%}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=300)
    parser.add_argument("--seed", type=int, default=3)
    main(parser.parse_args())
