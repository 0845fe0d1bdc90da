"""Runs that are joined to batches: who is a partner, who waits, what all of them are told."""

import asyncio
import threading

import numpy as np
import pytest
from ai_models import execute, figures, got, network, put, said, store
from test_ai_execute import begin, run_words, started

from respnet.redisproto.ai_backends import Runnable, Slot, TooLong
from respnet.redisproto.ai_model import ModelValue, Options
from respnet.redisproto.ai_queue import Queue, Run
from respnet.redisproto.ai_run import ModelRun
from respnet.redisproto.ai_tensor import TensorValue
from respnet.redisproto.errors import CommandError

NET = network()
ROWS = np.random.default_rng(3).normal(size=(8, 3)).astype(np.float32)
EXPECTED = "ERR Model did not generate the expected batch size"


def put_rows(client, **rows):
    for name, (start, stop) in rows.items():
        put(client, name, ROWS[start:stop])


def test_too_few_rows_wait_for_a_partner(server, resp2):
    store(resp2, "m", NET, "BATCHSIZE", 4, "MINBATCHSIZE", 3)
    store(resp2, "other", NET)
    put_rows(resp2, a=(0, 1), b=(1, 3))
    first = started(resp2, server, *run_words("m", "a", "y"))
    assert execute(resp2, "other", ["a"], ["z"]) == b"OK"  # the queue is not blocked
    assert resp2.exists("y") == 0 and figures(resp2, "m")["calls"] == 0
    assert execute(resp2, "m", ["b"], ["w"]) == b"OK"
    assert first.read() == [b"OK"]
    assert np.allclose(got(resp2, "y"), NET.predict(ROWS[:1]), atol=1e-6)
    assert np.allclose(got(resp2, "w"), NET.predict(ROWS[1:3]), atol=1e-6)
    found = figures(resp2, "m")
    assert (found["calls"], found["samples"], found["errors"]) == (2, 3, 0)
    assert found["duration"] % 2 == 0  # both are charged the whole batch


def test_many_rows_go_alone(resp2):
    store(resp2, "m", NET, "BATCHSIZE", 2, "MINBATCHSIZE", 9)
    put_rows(resp2, a=(0, 2))
    assert execute(resp2, "m", ["a"], ["y"]) == b"OK"


def test_a_wait_has_an_end(server, resp2):
    store(resp2, "m", NET, "BATCHSIZE", 4, "MINBATCHSIZE", 3, "MINBATCHTIMEOUT", 20)
    store(resp2, "ever", NET, "BATCHSIZE", 4, "MINBATCHSIZE", 3)
    put_rows(resp2, a=(0, 1))
    assert execute(resp2, "m", ["a"], ["y"]) == b"OK"
    assert execute(resp2, "ever", ["a"], ["z"], "TIMEOUT", 20) == b"TIMEDOUT"
    assert resp2.exists("z") == 0 and figures(resp2, "ever")["calls"] == 0


def test_runs_of_a_replaced_model_are_no_partners(server, resp2):
    store(resp2, "m", NET, "BATCHSIZE", 4, "MINBATCHSIZE", 2)
    put_rows(resp2, a=(0, 1))
    old = started(resp2, server, *run_words("m", "a", "y", "TIMEOUT", 300))
    other = network(seed=9)
    store(resp2, "m", other, "BATCHSIZE", 4, "MINBATCHSIZE", 2)
    new = begin(server, *run_words("m", "a", "z"))
    assert execute(resp2, "m", ["a"], ["w"]) == b"OK"
    assert new.read() == [b"OK"] and old.read() == [b"TIMEDOUT"]
    assert np.allclose(got(resp2, "z"), other.predict(ROWS[:1]), atol=1e-6)


def test_a_run_that_does_not_fit_fails_for_all_partners(server, resp2):
    onnx = pytest.importorskip("onnx", reason="onnx is in the test extra")
    from test_ai_onnx import floats, graph

    node = onnx.helper.make_node("ReduceSum", ["x"], ["y"], keepdims=0)
    blob = graph([node], [floats("x", "rows", "n")], ["y"])
    words = ("ONNX", "CPU", "BATCHSIZE", 4, "MINBATCHSIZE", 2, "BLOB", blob)
    resp2.execute_command("AI.MODELSTORE", "m", *words)
    put_rows(resp2, a=(0, 1))
    put(resp2, "wide", np.ones((1, 5), "f4"))
    first = started(resp2, server, *run_words("m", "a", "y"))
    wide = started(resp2, server, *run_words("m", "wide", "z", "TIMEOUT", 300))
    assert said(resp2, *run_words("m", "a", "w")) == EXPECTED
    assert str(first.read()[0]) == EXPECTED
    assert wide.read() == [b"TIMEDOUT"]  # other dims: no partner
    assert figures(resp2, "m")["errors"] == 2 and resp2.exists("y", "w", "z") == 0


class Doubling(Runnable):
    """Twice its input; keeps the rows of every call."""

    inputs = outputs = (Slot("x", "FLOAT", (None, 1)),)

    def __init__(self):
        super().__init__()
        self.calls = []

    def run(self, arrays):
        self.calls.append(len(arrays[0]))
        return [2 * arrays[0]]


class Settings:
    seconds = 5.0


def in_a_queue(sizes, batch, least=0):
    """Put runs of so many rows behind a first one -> (rows of each call, results)."""
    runnable = Doubling()
    model = ModelValue(Options("RESPNET", "CPU", "", batch, least), [], runnable.inputs,
                       runnable.outputs, runnable)
    results = {}

    async def main():
        queue = Queue("CPU", asyncio.get_running_loop(), 1, lambda: None)
        ended = asyncio.Event()

        def done(number):
            def keep(result, seconds):
                results[number] = result
                if len(results) == len(sizes):
                    ended.set()
            return keep

        for number, rows in enumerate(sizes):
            tensor = TensorValue.of(np.full((rows, 1), number, "f4"))
            queue.submit(ModelRun(Settings, model, [tensor], done(number)))
        await asyncio.wait_for(ended.wait(), 20)
        queue.close()

    asyncio.run(main())
    return runnable.calls, [results[i][0].array() for i in range(len(sizes))]


@pytest.mark.parametrize(("sizes", "batch", "calls"), [
    ([1, 1, 1, 1, 1, 1], 2, [1, 2, 2, 1]),  # the first one goes at once
    ([2, 2, 2, 2, 2], 3, [2, 4, 4]),  # the sum may exceed the size
    ([1, 3, 1, 1], 3, [1, 3, 2]),  # many rows go alone
    ([1, 1, 4, 1, 1], 3, [1, 5, 2]),  # in the order of the queue
    ([1, 1, 1], 0, [1, 1, 1]),
])
def test_batches_are_formed_in_the_order_of_the_queue(sizes, batch, calls):
    found, results = in_a_queue(sizes, batch)
    assert found == calls
    for number, (rows, result) in enumerate(zip(sizes, results, strict=True)):
        assert np.array_equal(result, np.full((rows, 1), 2.0 * number, "f4"))


class Seeming(Run):
    """Seems small, and is not."""

    def __init__(self, done):
        super().__init__("CPU")
        self.done = done

    def small(self):
        return True

    def work_small(self):
        raise TooLong

    def work(self):
        return threading.current_thread().name


def test_what_is_too_long_for_the_loop_goes_to_a_worker():
    async def main():
        loop = asyncio.get_running_loop()
        queue, answer = Queue("CPU", loop, 1, lambda: None), loop.create_future()
        queue.submit(Seeming(lambda result, seconds: answer.set_result(result)))
        assert not answer.done()
        found = await asyncio.wait_for(answer, 20)
        queue.close()
        return found

    assert asyncio.run(main()).startswith("respnet-run-CPU")


class Waiter(Run):
    """A run that wants a partner; ``batch`` counts how often it is asked whether it fits."""

    def __init__(self, batch):
        super().__init__("CPU")
        self.batch = batch


class Asked:
    alone, rows, most, least, group, asked = False, 1, 100, 99, "one", 0

    def enough(self, rows, waited=0.0):
        return rows >= self.least

    def limit(self, queued):
        return None

    def fits(self, other):
        self.asked += 1
        return True


def test_partners_of_a_batch_that_wants_more_are_looked_for_once():
    queue, batch = Queue("CPU", None, 1, None), Asked()
    for _ in range(50):
        queue.submit(Waiter(batch))
    batch.asked = 0
    queue.pump()
    assert batch.asked == 49 and len(queue.waiting) == 50


def test_a_queue_has_an_end(monkeypatch):
    monkeypatch.setattr("respnet.redisproto.ai_queue.MOST_WAITING", 2)
    queue = Queue("CPU", None, 1, None)
    queue.submit(Waiter(Asked()))
    queue.submit(Waiter(Asked()))
    with pytest.raises(CommandError, match="too many runs wait for this device"):
        queue.submit(Waiter(Asked()))
    assert len(queue.waiting) == 2
