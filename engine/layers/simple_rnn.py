"""SimpleRNN: h = activation(x kernel + h recurrent_kernel + bias)  (Elman 1990)."""

from respnet.engine.layers.recurrent import Recurrent


class SimpleRNN(Recurrent):
    """kernel (I,H), recurrent_kernel (H,H), bias (H)"""

    kind = "simple_rnn"
    op = "simple_rnn"
