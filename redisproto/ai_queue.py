"""Runs of models and scripts: a queue for each device, served by worker threads.

    class Step(Run): ...
    executor_of(server).submit(Step("CPU", deadline))

The queues belong to the loop's thread: it alone picks what runs next, joins runs to batches, looks
at time limits and takes results. Workers only compute. A run that is known to be small is computed
at once on the loop if nothing else waits or runs on its device: that costs less than the way to a
worker and back.
"""

import threading
import time
from collections import deque
from itertools import islice
from queue import SimpleQueue
from weakref import WeakKeyDictionary

from respnet.engine.script import Script

from .ai_backends import RUNTIMES, TooLong, refusal
from .ai_child import Runtime
from .ai_child_script import ChildScript
from .ai_holdings import UNCOUNTED, Holdings
from .ai_model import NetworkModel
from .ai_outcome import TIMED_OUT, perform, settle
from .errors import CommandError

MOST_QUEUES = 64
LOADERS = 2  # threads that load models
MOST_WAITING = 10_000  # runs of one queue: looking for partners takes time for each
TOO_LONG_QUEUE = f"ERR too many runs wait for this device, at most {MOST_WAITING}"
TOO_MANY = f"ERR too many devices are in use, at most {MOST_QUEUES}"


class Run:
    """One piece of work on a device. Subclasses write ``work`` and ``done``.

    device: the upper-cased name of its queue. deadline: ``time.monotonic()`` after which it is not
    begun any more, or None. Inputs are what they are when it is made: the keyspace may change.
    place: (db, keys) its ``tensors`` were taken from, None if another counts their memory; size:
    bytes it holds besides; begun: whether it is a part of what was admitted before.
    """

    batch = None  # ai_batch.Batching: how it may be joined with others
    tensors, place, size, begun = (), None, 0, False

    def __init__(self, device, deadline=None):
        self.device, self.deadline, self.queued = device, deadline, 0.0

    def small(self):
        """Whether it is known to take no longer than a hand-over; asked on the loop."""
        return False

    def work(self):
        """In a worker, or on the loop if it is small -> result. What it raises is ``done``'s."""
        raise NotImplementedError

    def work_small(self):
        """The same on the loop, after ``small`` said yes; TooLong puts it into the queue."""
        return self.work()

    @staticmethod
    def join(runs):
        """The same for several runs whose ``batch`` fits -> a result of each."""
        raise NotImplementedError

    def done(self, result, seconds):
        """On the loop, once: the result of ``work``, a CommandError, or TIMED_OUT; ``seconds`` is
        how long the work took, the whole batch's if it was joined. May submit further runs."""
        raise NotImplementedError

    def late(self, now):
        return self.deadline is not None and now > self.deadline


class Call(Run):
    """A function of no arguments for ``work``, and one of (result, seconds) for ``done``; size:
    bytes that the function holds. Its command was asked whether there is memory."""

    begun = True

    def __init__(self, device, work, done, size=0):
        super().__init__(device)
        self.work, self.done, self.size = work, done, size


class Queue:
    """The runs of one device: first come, first served, by ``threads`` workers. after: called
    when results were handed over."""

    def __init__(self, name, loop, threads, after, holdings=UNCOUNTED):
        self.name, self.loop, self.threads, self.after = name, loop, threads, after
        self.holdings = holdings
        self.waiting, self.jobs = deque(), SimpleQueue()
        self.busy, self.workers, self.timer = 0, [], None
        self.seconds = [0.0] * threads  # of a processor, of each worker

    def submit(self, run):
        if not self.at_once(run):
            if len(self.waiting) == MOST_WAITING:
                raise CommandError(TOO_LONG_QUEUE)
            self.holdings.begin(run)
            run.queued = time.monotonic()
            self.waiting.append(run)
            self.pump()

    @property
    def idle(self):
        """Whether nothing waits here and a worker is free."""
        return not self.waiting and self.busy < self.threads

    def at_once(self, run):
        """Whether the run is small, its turn is now, and it is done."""
        batch = run.batch
        if not (self.idle and run.small() and (batch is None or batch.enough(batch.rows))):
            return False
        start = time.perf_counter()
        try:
            result = run.work_small()
        except TooLong:
            return False
        except Exception as error:
            result = refusal(error)
        settle(run, result, time.perf_counter() - start)
        return True

    def pump(self):
        """Give idle workers something to do."""
        while self.busy < self.threads and self.waiting:
            runs = self.pick()
            if not runs:
                return self.wait()
            self.busy += 1
            if len(self.workers) < self.busy:
                self.hire()
            self.jobs.put(runs)
        return None

    def pick(self):
        """The runs to compute next, taken out of the queue; none if all want more rows."""
        now, at, short = time.monotonic(), 0, set()  # short: batches that want more rows
        while at < len(self.waiting):
            head = self.waiting[at]
            if head.late(now):
                del self.waiting[at]
                self.loop.call_soon(self.end, head)
                continue
            if head.batch is None or head.batch.group not in short:
                runs, rows = self.partners(head, at, now)
                if head.batch is None or head.batch.enough(rows, now - head.queued):
                    for run in runs:
                        self.waiting.remove(run)
                    return runs
                # Those behind have fewer rows and waited less, unless the batch was cut short.
                if rows < head.batch.most:
                    short.add(head.batch.group)
            at += 1
        return []

    def partners(self, head, at, now):
        """(the run at a place of the queue and those behind it that it is joined with, rows)"""
        runs = [head]
        if head.batch is None or head.batch.alone:
            return runs, head.batch.rows if head.batch else 0
        rows = head.batch.rows
        for run in islice(self.waiting, at + 1, None):
            if rows >= head.batch.most:
                break
            if run.batch is not None and run.batch.fits(head.batch) and not run.late(now):
                runs.append(run)
                rows += run.batch.rows
        return runs, rows

    def wait(self):
        """Look again when the first limit of those who wait for more rows has passed."""
        limits = [limit for run in self.waiting
                  for limit in (run.deadline, run.batch and run.batch.limit(run.queued))
                  if limit is not None]
        if self.timer is not None:
            self.timer.cancel()
        if limits:
            delay = max(0.0, min(limits) - time.monotonic()) + 0.0005
            self.timer = self.loop.call_later(delay, self.pump)

    def end(self, run):
        self.holdings.end(run)
        settle(run, TIMED_OUT, 0.0)
        self.after()

    def finished(self, runs, results, seconds):
        """On the loop: a worker is idle again."""
        self.busy -= 1
        for run, result in zip(runs, results, strict=True):
            self.holdings.end(run)
            settle(run, result, seconds)
        self.after()
        self.pump()

    # -- workers

    def hire(self):
        worker = threading.Thread(target=self.serve, args=(len(self.workers),), daemon=True,
                                  name=f"respnet-run-{self.name}-{len(self.workers)}")
        self.workers.append(worker)
        worker.start()

    def serve(self, number):
        for runs in iter(self.jobs.get, None):
            outcome = perform(runs)
            self.seconds[number] = time.thread_time()
            try:
                self.loop.call_soon_threadsafe(self.finished, runs, *outcome)
            except RuntimeError:  # the loop is closed: the server has ended
                return
            del runs, outcome  # an idle worker holds no tensors

    def close(self):
        for _ in self.workers:
            self.jobs.put(None)
        if self.timer is not None:
            self.timer.cancel()


class Executor:
    """All queues of a server, the statistics by (db, key), what CONFIG says about running."""

    def __init__(self, server):
        self.server, self.queues, self.stats = server, {}, {}
        self.networks = WeakKeyDictionary()  # NetworkValue -> NetworkModel
        self.holdings = Holdings(server)
        self.loader = Queue("load", server.loop, LOADERS, server.effects_made, self.holdings)
        self.path = None  # of AI.CONFIG BACKENDSPATH
        limit = server.config["backend-memory-limit"]
        self.runtimes = {name.upper(): Runtime(name.upper(), limit)
                         for name in server.config["backends"]}
        RUNTIMES.update(self.runtimes)
        server.at_stop.append(self.close)

    @property
    def seconds(self):
        """How long an ONNX graph may run, or a model be loaded."""
        return self.server.config["model-execution-timeout"] / 1000

    def compile_script(self, source):
        """What runs a script of this text. EngineError or CommandError."""
        if self.server.config["scripts"] == "torch":
            return ChildScript.of(source, self.seconds)
        return Script.of(source)

    def submit(self, run):
        """Queue a run; a small one is done when this returns. CommandError."""
        (self.queues.get(run.device) or self.queue(run.device)).submit(run)

    def queue(self, device):
        if device not in self.queues:
            if len(self.queues) >= MOST_QUEUES:
                raise CommandError(TOO_MANY)
            threads = self.server.config["threads-per-queue"]
            after = self.server.effects_made
            self.queues[device] = Queue(device, self.server.loop, threads, after, self.holdings)
        return self.queues[device]

    def network(self, value):
        """The NetworkModel of the present weights of a NetworkValue."""
        found = self.networks.get(value)
        if found is None or found.model is not value.model:
            found = self.networks[value] = NetworkModel(value)
        return found

    def close(self):
        for queue in (self.loader, *self.queues.values()):
            queue.close()
        for name, runtime in self.runtimes.items():
            runtime.close()
            RUNTIMES.pop(name, None)


def executor_of(server):
    """The executor of ``server``, made at the first use."""
    if getattr(server, "ai", None) is None:
        server.ai = Executor(server)
    return server.ai
