"""respnet in process."""

from bench.harness import Skipped


def inference(net, x):
    raise Skipped("respnet.engine.Model is not there yet")


def rprop(net, x, y):
    raise Skipped("respnet.engine.Model is not there yet")
