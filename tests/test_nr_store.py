"""Networks come back from the store as they were."""

import signal

import pytest
from nr_helpers import create, endless, info, sums, wait

KEPT = ["type", "auto-normalization", "layout", "training-dataset-maxlen", "training-dataset-len",
        "test-dataset-maxlen", "test-dataset-len", "training-total-steps",
        "training-total-cycles", "dataset-error", "test-error", "overfitting-detected"]


def state(client, key="net"):
    """Everything a client can see of a network."""
    found = info(client, key)
    rows = [[client.execute_command("NR.GETDATA", key, which, row)
             for row in range(found[f"{name}-dataset-len"])]
            for which, name in (("TRAIN", "training"), ("TEST", "test"))]
    runs = [client.execute_command("NR.RUN", key, a, b) for a, b in ((1, 2), (-5, 0.25))]
    return ({name: found[name] for name in KEPT}, rows, runs,
            client.execute_command("NR.CONFIGURE", key))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_trained_network_survives(serve, number):
    server = serve(appendfsync="always")
    client = server.redis()
    sums(client)
    client.execute_command("NR.CONFIGURE", "net", "OPTIMIZER", "rprop", "increase", "1.3")
    client.execute_command("NR.TRAIN", "net", "MAXCYCLES", 200)
    wait(client)
    for i in range(100):  # more than there is room for: rows are replaced at random
        client.execute_command("NR.OBSERVE", "net", i, 1, "->", 2)
    client.execute_command("NR.OBSERVE", "net", "ROWS", 2, 1, 2, 3, 4, 5, 6)
    before = state(client)
    server.end(number)
    server.start()
    assert state(server.redis()) == before


def test_ids_are_not_used_again(serve):
    server = serve()
    client = server.redis()
    create(client, "REGRESSOR 1 -> 1", "a")
    client.execute_command("NR.RESET", "a")
    id = info(client, "a")["id"]
    server.end(signal.SIGKILL)
    server.start()
    client = server.redis()
    assert info(client, "a")["id"] == id
    create(client, "REGRESSOR 1 -> 1", "b")
    assert info(client, "b")["id"] > id


def test_a_crash_during_a_training_leaves_the_last_weights(serve):
    server = serve(appendfsync="always")
    client = server.redis()
    endless(client)
    before = state(client)
    server.end(signal.SIGKILL)
    server.start()
    client = server.redis()
    assert state(client) == before and info(client)["training"] == 0
    client.execute_command("NR.TRAIN", "net", "MAXCYCLES", 10)
    assert wait(client)["training-total-cycles"] == 10


def test_renamed_swapped_and_copied_networks_survive(serve):
    server = serve()
    client = server.redis()
    sums(client, "a")
    client.copy("a", "b")
    client.rename("a", "c")
    client.swapdb(0, 1)
    other = server.redis(db=1)
    other.execute_command("NR.OBSERVE", "c", 9, 9, "->", 18)
    before = [state(other, key) for key in "bc"]
    server.end(signal.SIGKILL)
    server.start()
    other = server.redis(db=1)
    assert [state(other, key) for key in "bc"] == before


def test_without_a_store_everything_works(serve):
    server = serve(dir="")
    client = server.redis()
    sums(client)
    client.execute_command("NR.TRAIN", "net", "MAXCYCLES", 10)
    assert wait(client)["training-total-cycles"] == 10


@pytest.mark.parametrize("policy", ["everysec", "no", "off"])
def test_training_ends_under_every_policy(serve, policy):
    client = serve(appendfsync=policy).redis()
    sums(client)
    client.execute_command("NR.TRAIN", "net", "MAXCYCLES", 10)
    assert wait(client)["training-total-cycles"] == 10


def test_rows_between_dumps_of_one_turn_are_neither_lost_nor_doubled(serve):
    server = serve(appendfsync="always")
    client = server.redis()
    create(client, "REGRESSOR 2 -> 1 DATASET 1000")
    pipeline = client.pipeline(transaction=True)
    for i in range(300):
        pipeline.execute_command("NR.OBSERVE", "net", i, 0, "->", i)
        if i % 7 == 0:
            pipeline.execute_command("NR.CONFIGURE", "net", "BATCH", i)
        if i % 50 == 49:
            pipeline.rename("net", "other")
            pipeline.rename("other", "net")
    pipeline.execute()
    raw = server.connect()
    lines = [f"NR.OBSERVE net {i} 0 -> {i}\r\n" + f"NR.CONFIGURE net BATCH {i}\r\n" * (i % 9 == 0)
             for i in range(300, 600)]
    raw.ask("".join(lines).encode(), sum(line.count("\n") for line in lines))
    before = state(client)
    assert [row[0][0] for row in before[1][0]] == list(range(600))
    server.end(signal.SIGKILL)
    server.start()
    assert state(server.redis()) == before
