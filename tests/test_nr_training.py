"""NR.TRAIN and what may happen to a network meanwhile."""

import math
import threading

import pytest
from nr_helpers import create, endless, fields, info, said, sums, until, wait


def threads(client):
    return client.execute_command("NR.THREADS")


def test_sums_and_differences_are_learned(client):
    for key, sign in (("plus", 1), ("minus", -1)):
        sums(client, key, sign)
        assert client.execute_command("NR.TRAIN", key, "AUTOSTOP") == b"Training has started"
        found = wait(client, key)
        assert float(found["test-error"]) < 0.01 and found["training-total-cycles"] > 0
        value = float(client.execute_command("NR.RUN", key, 1, 3)[0])
        assert abs(value - (1 + sign * 3)) < 0.5


def test_a_classifier_learns_and_counts_its_errors(client):
    create(client, "CLASSIFIER 1 5 -> 2 NORMALIZE DATASET 100 TEST 50")
    for i in range(90):
        client.execute_command("NR.OBSERVE", "net", i, "->", int(i > 45))
    client.execute_command("NR.TRAIN", "net", "AUTOSTOP")
    found = wait(client)
    assert float(found["classification-errors-perc"]) <= 10
    assert [client.execute_command("NR.CLASS", "net", i) for i in (3, 88)] == [0, 1]


def test_the_original_algorithm_can_be_had(client):
    create(client, "CLASSIFIER 1 5 -> 2 NORMALIZE DATASET 100 TEST 50")
    client.execute_command("NR.CONFIGURE", "net", "ALGORITHM", "original", "SEED", 1)
    for i in range(90):
        client.execute_command("NR.OBSERVE", "net", i, "->", int(i > 45))
    client.execute_command("NR.TRAIN", "net", "MAXCYCLES", 300)
    found = wait(client)
    outputs = [float(v) for v in client.execute_command("NR.RUN", "net", 3)]
    assert found["training-total-cycles"] == 300 and all(0 <= v <= 1 for v in outputs)
    assert float(found["classification-errors-perc"]) <= 10
    assert fields(client.execute_command("NR.CONFIGURE", "net"))["output"] == b"sigmoid"


def test_limits_end_a_training(client):
    sums(client)
    client.execute_command("NR.TRAIN", "net", "MAXCYCLES", 50)
    assert wait(client)["training-total-cycles"] == 50
    client.execute_command("NR.TRAIN", "net", "MAXTIME", 100)
    found = wait(client)
    assert 0.1 <= float(found["training-total-seconds"]) < 5
    assert found["training-total-cycles"] > 50


def test_errors_without_test_rows_are_zero(client):
    create(client, "CLASSIFIER 1 -> 2 DATASET 5")
    client.execute_command("NR.OBSERVE", "net", 1, "->", 1)
    client.execute_command("NR.TRAIN", "net", "MAXCYCLES", 5)
    found = wait(client)
    assert float(found["test-error"]) == 0 and found["classification-errors-perc"] == b"0.00"
    assert math.isfinite(float(found["dataset-error"]))


def test_a_constant_column_is_no_division_by_zero(client):
    create(client, "REGRESSOR 2 3 -> 1 NORMALIZE DATASET 20")
    for _ in range(10):
        client.execute_command("NR.OBSERVE", "net", 0, 7, "->", 5)
    client.execute_command("NR.TRAIN", "net", "MAXCYCLES", 20)
    wait(client)
    assert math.isfinite(float(client.execute_command("NR.RUN", "net", 0, 7)[0]))


def test_stop_keeps_the_result_so_far(client):
    endless(client)
    before = client.execute_command("NR.RUN", "net", 1, 2)
    until(lambda: fields(client.execute_command("NR.PROGRESS", "net"))["cycle"] > 100)
    assert client.execute_command("NR.STOP", "net") == b"OK"
    found = info(client)
    assert found["training"] == 0 and found["training-total-cycles"] > 100
    assert client.execute_command("NR.RUN", "net", 1, 2) != before
    assert fields(client.execute_command("NR.PROGRESS", "net"))["reason"] == b"stopped"


def test_rows_observed_meanwhile_are_for_the_next_training(client):
    endless(client)
    before = info(client)["training-dataset-len"]
    for _ in range(30):
        client.execute_command("NR.OBSERVE", "net", 1, 2, "->", 3, "TRAIN")
    assert info(client)["training-dataset-len"] == before + 30
    client.execute_command("NR.STOP", "net")
    found = info(client)
    assert found["training-total-steps"] == found["training-total-cycles"] * before


def test_a_training_follows_its_network_to_another_name(client):
    endless(client)
    client.rename("net", "other")
    assert b"key=other" in threads(client)[0]
    client.execute_command("NR.STOP", "other")
    assert info(client, "other")["training-total-cycles"] > 0 and threads(client) == []


@pytest.mark.parametrize("words", [
    "DEL net", "UNLINK net", "NR.RESET net", "FLUSHALL", "FLUSHDB", "SET net x", "RENAME x net",
    "PEXPIRE net 1"])
def test_what_ends_a_network_ends_its_training(server, words):
    client = server.redis(protocol=2)
    client.set("x", "y")
    endless(client)
    client.execute_command(*words.split())
    until(lambda: threads(client) == [])
    if words.startswith("NR.RESET"):
        found = info(client)
        assert found["training"] == 0 and found["training-total-cycles"] == 0
        assert client.execute_command("NR.TRAIN", "net", "MAXCYCLES", 5)
        assert wait(client)["training-total-cycles"] == 5
    else:
        client.delete("net")
        sums(client)
        assert info(client)["training-total-cycles"] == 0


def test_a_result_never_lands_in_a_network_of_the_same_name(client):
    endless(client)
    client.delete("net")
    create(client, "REGRESSOR 2 5 -> 1")
    run = client.execute_command("NR.RUN", "net", 1, 2)
    until(lambda: threads(client) == [])
    assert client.execute_command("NR.RUN", "net", 1, 2) == run
    assert info(client)["training"] == 0


def test_a_training_goes_on_in_a_database_that_was_swapped(server):
    client, other = server.redis(), server.redis(db=1)
    endless(client)
    client.swapdb(0, 1)
    assert b" db=1 " in threads(client)[0]
    other.execute_command("NR.STOP", "net")
    assert info(other)["training-total-cycles"] > 0


def test_slots_are_limited_and_come_back(server):
    client, raw = server.redis(), server.connect()
    client.config_set("training-slots", 3)
    try:
        for i in range(3):
            endless(client, f"net{i}")
        sums(client, "net3")
        text = "ERR Can't train the neural network: too many NNs already training"
        assert said(raw, "NR.TRAIN net3") == text
        client.delete("net0")
        until(lambda: said(raw, "NR.TRAIN net3 MAXTIME 0") != text)
        for i in (1, 2, 3):
            client.execute_command("NR.STOP", f"net{i}")
    finally:
        client.config_set("training-slots", 32)
    assert threads(client) == []


def test_forty_trainings_thrown_away_leave_all_slots_free(server):
    client = server.redis()
    sums(client, "model")
    for _ in range(40):
        until(lambda: len(threads(client)) < 20)
        client.copy("model", "net")
        client.execute_command("NR.TRAIN", "net", "MAXTIME", 0)
        client.delete("net")
    until(lambda: threads(client) == [])
    client.execute_command("NR.TRAIN", "model", "MAXCYCLES", 5)
    assert wait(client, "model")["training-total-cycles"] == 5


def test_overlapping_trainings_end_each_for_itself(client):
    for i in range(4):
        sums(client, f"net{i}")
        client.execute_command("NR.TRAIN", f"net{i}", "MAXTIME", 400 - 100 * i)
    totals = [wait(client, f"net{i}")["training-total-cycles"] for i in range(4)]
    assert all(totals) and threads(client) == []


def test_runs_meanwhile_come_from_one_version_of_the_weights(server):
    """Every answer seen during trainings is the answer of some version that was in place."""
    client, other = server.redis(protocol=2), server.redis(protocol=2)
    sums(client)
    answers, done = set(), threading.Event()

    def ask():
        while not done.is_set():
            pair = [other.execute_command("NR.RUN", "net", 1, 2)[0] for _ in range(2)]
            answers.update(pair)

    asker = threading.Thread(target=ask)
    versions = {client.execute_command("NR.RUN", "net", 1, 2)[0]}
    asker.start()
    try:
        for _ in range(10):
            client.execute_command("NR.TRAIN", "net", "MAXCYCLES", 20)
            wait(client)
            versions.add(client.execute_command("NR.RUN", "net", 1, 2)[0])
    finally:
        done.set()
        asker.join()
    assert answers <= versions and all(math.isfinite(float(a)) for a in answers)


def test_reset_forgets_what_was_learned_and_keeps_the_rows(client):
    sums(client)
    client.execute_command("NR.TRAIN", "net", "MAXCYCLES", 100)
    before = wait(client)
    assert client.execute_command("NR.RESET", "net") == b"OK"
    after = info(client)
    assert after["id"] > before["id"] and after["training-total-steps"] == 0
    assert after["training-dataset-len"] == before["training-dataset-len"]
    assert float(after["dataset-error"]) == 0


def test_trainings_end_with_the_server(serve):
    server = serve()
    endless(server.redis())
    assert server.end() == 0
