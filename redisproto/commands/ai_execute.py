"""Runs of models: AI.MODELEXECUTE, AI.MODELRUN."""

from typing import Literal

from ..access import OK, database
from ..ai_model import model_at
from ..ai_orders import check_counts, execute_order, refuse_in_multi, run_order
from ..ai_queue import TIMED_OUT, executor_of
from ..ai_run import ModelRun
from ..ai_tensor import check_target, fetch_tensor, put_at
from ..command import Family
from ..errors import CommandError, Deferred
from ..fast_models import ModelExecute
from ..grammar import key
from ..words import Raw

rows = Family("ai", since="1.0.0")

COST = "O(N) where N is the work of the model, beside the other clients"
REPLY = Literal["OK", "TIMEDOUT"]


class Order(Raw):
    """The words after the model's key, read by the handler: a missing model is told first."""

    items = (key(),)  # there are keys among them

    def __init__(self, read, text, least):
        super().__init__(text, least)
        self.read = read

    def keys(self, request):
        order = self.read(request.argv)
        return [*order.inputs, *order.outputs]


EXECUTE = Order(execute_order, "INPUTS n key [key ...] OUTPUTS n key [key ...] [TIMEOUT ms]", 6)
RUN = Order(run_order, "[TIMEOUT ms] INPUTS key [key ...] OUTPUTS key [key ...]", 4)


@rows.command("ai.modelexecute", key(), EXECUTE, flags="write denyoom", told_key=4, since="1.2.5",
              reply=REPLY, complexity=COST, summary="Run a model on tensors")
def modelexecute(session, request):
    return run(session, request, execute_order)


@rows.command("ai.modelrun", key(), RUN, flags="write denyoom", told_key=3, reply=REPLY,
              complexity=COST, summary="Run a model on tensors; deprecated, see AI.MODELEXECUTE")
def modelrun(session, request):
    return run(session, request, run_order)


def run(session, request, read):
    refuse_in_multi(session)
    executor = executor_of(session.server)
    model = model_at(executor, database(session), request.key)
    order = read(request.argv)
    check_counts(model, order)
    tensors = [fetch_tensor(session, name) for name in order.inputs]
    results = Results(session.server, session.db, order.outputs)
    started = ModelRun(executor, model, tensors, results.done, order.deadline)
    started.place = session.db, order.inputs
    executor.submit(started)
    return results.reply()


class Results:
    """Where the outputs of a run go: to keys of a database, and the client is answered."""

    def __init__(self, server, number, names):
        self.server, self.number, self.names = server, number, names
        self.value, self.deferred = None, None

    def done(self, result, seconds):
        """For ``Run``: all outputs are written, or none."""
        if result is TIMED_OUT:
            self.value = "TIMEDOUT"
        elif isinstance(result, CommandError):
            self.value = result
        else:
            self.value = self.write(result)
        if self.deferred is not None:
            self.deferred.set(self.value)

    def write(self, tensors):
        db = self.server.keyspace[self.number]
        try:
            for name in self.names:
                check_target(db, name)
        except CommandError as error:
            return error
        for name, tensor in zip(self.names, tensors, strict=True):
            put_at(db, name, tensor)
        return OK

    def reply(self):
        """For the handler: the answer if the run is done already, or a Deferred."""
        if self.value is None:
            self.deferred = Deferred()
            return self.deferred
        return self.value


rows.fast("ai.modelexecute", ModelExecute())
