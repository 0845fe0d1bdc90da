"""A DAG of a server's commands, built in Python and run in one round trip."""

from .remote_models import array_of, tensor_words


class RemoteDag:
    """Steps on tensors that live in the DAG only; made by ``Client.dag``.

    Steps run in their order, those of other devices beside them; ``run`` can be called again.
    """

    def __init__(self, redis, load=(), persist=(), timeout: int = 0):
        self.redis, self.steps, self.gets = redis, [], []
        self.head = []
        for name, keys in (("LOAD", names(load)), ("PERSIST", names(persist))):
            self.head += [name, len(keys), *keys] if keys else []
        self.head = self.head or ["ROUTING", ""]  # the command wants one of the three
        self.head += ["TIMEOUT", timeout] if timeout else []

    def tensor_set(self, name: str, array) -> "RemoteDag":
        """Give a name to an array."""
        return self._step("AI.TENSORSET", name, *tensor_words(array))

    def model_run(self, key: str, inputs, outputs) -> "RemoteDag":
        """Run a model on the tensors of these names; its outputs get names."""
        inputs, outputs = names(inputs), names(outputs)
        return self._step("AI.MODELEXECUTE", key, "INPUTS", len(inputs), *inputs,
                          "OUTPUTS", len(outputs), *outputs)

    def tensor_get(self, name: str) -> "RemoteDag":
        """Ask for a tensor: ``run`` returns it."""
        self.gets.append(len(self.steps))
        return self._step("AI.TENSORGET", name, "META", "BLOB")

    def _step(self, *words) -> "RemoteDag":
        self.steps.append(["|>", *words])
        return self

    def run(self) -> list:
        """The arrays that were asked for, in order. The first step that failed is raised as the
        ``ResponseError`` of redis-py, and nothing is kept then; TimeoutError after the timeout."""
        words = [word for step in self.steps for word in step]
        replies = self.redis.execute_command("AI.DAGEXECUTE", *self.head, *words)
        if replies in (b"TIMEDOUT", "TIMEDOUT"):
            raise TimeoutError("the DAG was not run in time")
        for reply in replies:
            if isinstance(reply, Exception):
                raise reply
        return [array_of(replies[place]) for place in self.gets]


def names(given) -> list:
    return [given] if isinstance(given, str) else list(given)
