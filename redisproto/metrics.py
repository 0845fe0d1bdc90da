"""What Prometheus is told of a server: its counters as metric families, and their text.

Nothing is counted twice: a scrape reads what INFO and AI.INFO show. The library is asked for only
where ``metrics-port`` is set.
"""

from itertools import accumulate, islice

from .ai_stats import BUCKETS
from .listening import ListenError
from .version import RESPNET_VERSION

MISSING = 'metrics-port needs the "web" extra: pip install "respnet[web]"'
MOST_MODELS = 100  # with series of their own: a scrape must not hold the loop up

MODEL = ("db", "key", "type", "device")


def alone(number):
    """The rows of a family without labels."""
    return [((), number)]


def commands(field):
    """A reader of a field of the statistics of each command."""
    return lambda server: [((name,), field(one)) for name, one in server.stats.by_command.items()]


def books(server):
    """The figures of all models and scripts that have run: those with series of their own."""
    executor = getattr(server, "ai", None)
    if executor is None:
        return []
    networks = [model.stats for model in executor.networks.values() if model.stats is not None]
    found = {one.place: one for one in networks} | executor.stats
    return list(islice(found.values(), MOST_MODELS))


def label(key):
    """A key as text, different for different keys: \\ is doubled, bytes that are no UTF-8 become
    \\xff."""
    return key.replace(b"\\", b"\\\\").decode("utf-8", "backslashreplace")


def labels(one):
    return str(one.place[0]), label(one.place[1]), one.kind.lower(), one.device


def models(field):
    """A reader of a field of the figures of each model and script; None: it has none."""

    def read(server):
        rows = [(labels(one), field(one)) for one in books(server)]
        return [(names, number) for names, number in rows if number is not None]

    return read


def latencies(one):
    """The buckets of a histogram, as Prometheus counts: each with all that is below."""
    bounds = [str(bound) for bound in BUCKETS] + ["+Inf"]
    return list(zip(bounds, accumulate(one.latencies), strict=True)), one.duration / 1e6


def queues(field):
    """A reader of a field of the queue of each device."""

    def read(server):
        executor = getattr(server, "ai", None)
        return [((name,), field(queue)) for name, queue in (executor.queues if executor else
                                                            {}).items()]

    return read


def store(name):
    """A reader of a figure of the store; no row where there is none."""
    return lambda server: [] if server.store is None else alone(server.store.info()[name])


# kind, name, help, labels, reader: server -> [(values of the labels, number)]
FAMILIES = [
    ("gauge", "build_info", "Version of the server", ("version",),
     lambda server: [((RESPNET_VERSION,), 1)]),
    ("gauge", "connected_clients", "Clients that are connected", (),
     lambda server: alone(len(server.clients))),
    ("counter", "connections", "Connections accepted", (),
     lambda server: alone(server.stats.connections)),
    ("counter", "rejected_connections", "Connections refused", (),
     lambda server: alone(server.stats.rejected_connections)),
    ("counter", "network_input_bytes", "Bytes read from clients", (),
     lambda server: alone(server.stats.input_bytes)),
    ("counter", "network_output_bytes", "Bytes sent to clients", (),
     lambda server: alone(server.stats.output_bytes)),
    ("gauge", "memory_used_bytes", "Memory of keys and values", (),
     lambda server: alone(server.keyspace.used + server.keyspace.held)),
    ("gauge", "memory_max_bytes", "Writes are refused above; 0: no limit", (),
     lambda server: alone(server.keyspace.maxmemory)),
    ("gauge", "keys", "Keys of a database", ("db",),
     lambda server: [((str(db.index),), len(db)) for db in server.keyspace.databases if len(db)]),
    ("counter", "commands", "Commands that were run", ("command",),
     commands(lambda one: one.calls)),
    ("counter", "command_errors", "Commands that were refused or failed", ("command",),
     commands(lambda one: one.rejected + one.failed)),
    ("counter", "command_seconds", "Time in commands", ("command",),
     commands(lambda one: one.usec / 1e6)),
    ("counter", "store_commits", "Commits of the store", (), store("commits")),
    ("gauge", "store_pending_groups", "Groups of changes not yet committed", (),
     store("pending_groups")),
    ("gauge", "queue_waiting_runs", "Runs that wait for a device", ("device",),
     queues(lambda queue: len(queue.waiting))),
    ("gauge", "queue_busy_workers", "Workers of a device that compute", ("device",),
     queues(lambda queue: queue.busy)),
    ("gauge", "models_with_figures",
     f"Models and scripts that count their runs; {MOST_MODELS} at most have series", (),
     lambda server: alone(len(server.ai.stats) if getattr(server, "ai", None) else 0)),
    ("counter", "model_calls", "Runs, failed ones too", MODEL, models(lambda one: one.calls)),
    ("counter", "model_errors", "Runs that failed", MODEL, models(lambda one: one.errors)),
    ("counter", "model_samples", "Rows of first outputs", MODEL,
     models(lambda one: one.samples if one.kind == "MODEL" else None)),
    ("histogram", "model_run_seconds", "Time of runs that succeeded, without waiting", MODEL,
     models(latencies)),
]


def families(server):
    """The metric families of prometheus_client, one at a time."""
    from prometheus_client import core

    makers = {"gauge": core.GaugeMetricFamily, "counter": core.CounterMetricFamily,
              "histogram": core.HistogramMetricFamily}
    for kind, name, text, names, read in FAMILIES:
        family = makers[kind](f"respnet_{name}", text, labels=names)
        for values, number in read(server):
            family.add_metric(values, *(number if kind == "histogram" else (number,)))
        yield family


class Collector:
    """What a registry of prometheus_client asks."""

    def __init__(self, server):
        self.server = server

    def collect(self):
        return families(self.server)


class Exposition:
    """``pieces()``: the text, a family at a time, so that others are served in between."""

    def __init__(self, server):
        try:
            from prometheus_client import CollectorRegistry, ProcessCollector, exposition
        except ImportError:
            raise ListenError(MISSING) from None
        self.registry = CollectorRegistry(auto_describe=False)
        self.registry.register(Collector(server))
        ProcessCollector(registry=self.registry)
        self.write = exposition.generate_latest
        self.content_type = exposition.CONTENT_TYPE_LATEST

    def pieces(self):
        for family in self.registry.collect():
            yield self.write(Single(family))


class Single:
    """A registry of one family."""

    def __init__(self, family):
        self.family = family

    def collect(self):
        return [self.family]
