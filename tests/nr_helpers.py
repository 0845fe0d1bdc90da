"""Networks for the tests of the NR.* commands."""

import time

PATIENCE = 30  # seconds until a training must have ended


def fields(reply):
    """A flat array (RESP2) or a map as a dict with str keys."""
    if not isinstance(reply, dict):
        reply = dict(zip(reply[::2], reply[1::2], strict=True))
    return {key.decode(): value for key, value in reply.items()}


def info(client, key="net"):
    return fields(client.execute_command("NR.INFO", key))


def wait(client, key="net"):
    """Until no training runs -> NR.INFO."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        found = info(client, key)
        if not found["training"]:
            return found
        time.sleep(0.005)
    raise TimeoutError(f"{key} still trains: {found}")


def until(condition, patience=PATIENCE):
    """Wait for ``condition()`` -> its first true value."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.005)
    raise TimeoutError(f"{condition} stays false")


def create(client, words, key="net"):
    return client.execute_command("NR.CREATE", key, *words.split())


def sums(client, key="net", sign=1, normalize=True, side=6):
    """A regressor of two inputs with all pairs below ``side`` observed."""
    create(client, "REGRESSOR 2 5 -> 1 " + "NORMALIZE " * normalize + "DATASET 100 TEST 50", key)
    pipeline = client.pipeline(transaction=False)
    for a in range(side):
        for b in range(side):
            pipeline.execute_command("NR.OBSERVE", key, a, b, "->", a + sign * b)
    pipeline.execute()


def endless(client, key="net"):
    """``sums`` in a training that ends only when told."""
    sums(client, key)
    client.execute_command("NR.TRAIN", key, "MAXTIME", 0)


def said(raw, line):
    """The reply to an inline command on a raw connection; an error as its text."""
    reply = raw.ask(line.encode() + b"\r\n")[0]
    return str(reply) if isinstance(reply, Exception) else reply
