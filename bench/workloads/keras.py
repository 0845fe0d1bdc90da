"""Training beside Keras on TensorFlow, the strongest trainer of large recurrent nets; by wall time.

A run of its own, in an environment that has TensorFlow: its threads would disturb other contests.
"""

from . import rnn

TITLE = "Recurrent nets, a training step with Adam beside Keras on TensorFlow, one thread"
BARS = {"char-GRU 3 x 512, 30 steps": 1.2, "LSTM 50, 100 on windows of 50": 1.3}


def contests(quick):
    for name, (*case, _) in rnn.TRAINING.items():
        if not quick or case[3] * case[0][0] < 2000:
            yield rnn.trained(
                name, *case, limit=BARS.get(name), against="keras-tensorflow", metric="wall_us"
            )
