"""The value behind a key of type NR_STATE: where a recurrent network has come to in one sequence.

A step logs the whole state as a frame, which is short; every ``LOGGED``-th one stores the value
anew, so the frames before it are dead and the log of many states stays short. A dump is a head
(format u8, id of the network u64) and the numbers of all states, float32, in the head too if they
fit.
"""

import struct

from .values import HEAD_BYTES, Value, split

FORMAT = 1
STATE = 1  # type of a frame
HEAD = struct.Struct("<BQ")
LOGGED = 32  # frames between two dumps
OBJECT_BYTES = 200  # of a state besides its numbers, measured


class StateValue(Value):
    """network: the id of the network it belongs to; numbers: a bytearray, as the Stepper wants."""

    __slots__ = ("network", "numbers", "logged")

    kind = 3
    type_name = "NR_STATE"
    copyable = True

    def __init__(self, network, numbers):
        self.id = self.generation = 0
        self.network, self.numbers = network, numbers
        self.logged = 0  # frames since the last dump

    def memory_usage(self):
        return OBJECT_BYTES + len(self.numbers)

    def dump(self):
        self.logged = 0
        head, numbers = HEAD.pack(FORMAT, self.network), bytes(self.numbers)
        if len(head) + len(numbers) <= HEAD_BYTES:
            return head + numbers, []
        return head, split(numbers)

    @classmethod
    def load(cls, head, parts):
        if len(head) < HEAD.size or head[0] != FORMAT:
            raise ValueError(f"states of networks of format {head[:1].hex()} are unknown")
        _, network = HEAD.unpack_from(head)
        return cls(network, bytearray(head[HEAD.size :] + b"".join(parts)))

    def apply(self, frame_type, payload):
        """Redo a step: the frame is the state after it."""
        if frame_type != STATE or len(payload) != len(self.numbers):
            raise ValueError(f"the state of a network has {len(self.numbers)} bytes, got a frame "
                             f"of type {frame_type} and {len(payload)} bytes")
        self.numbers[:] = payload

    def copy(self):
        return StateValue(self.network, bytearray(self.numbers))
