"""The examples of models in a server run as a user runs them, at a size of seconds."""

import json
import subprocess
import sys
import urllib.error
import urllib.request

import numpy as np
import pytest
from test_examples_keras import FOLDER, figure, run

from respnet.cli_embed import embedded
from respnet.preprocessing import text_to_word_sequence

pytest.importorskip("redis")
NAMES = {"chat_bot", "fraud_scoring", "mystery_service"}
TALK = [("hello my name is pip", "nice to meet you pip"), ("i live in oslo", "how is oslo"),
        ("what is my name", "you are pip"), ("where do i live", "you are in oslo")]


def test_fraud_scoring():
    output = run("fraud_scoring", "--rows", 2000, "--payments", 200)
    assert figure(r"accuracy (\d\.\d+) on 200", output) > 0.88  # 0.8 says all are good
    with embedded() as url:
        assert "the first was scored 0." in run("fraud_scoring", url, "--rows", 200, "--epochs", 1,
                                                "--payments", 20)


def test_the_chat_bot_remembers_beyond_a_restart(serve):
    server = serve(appendfsync="always")
    url = f"redis://127.0.0.1:{server.port}"
    output = run("chat_bot", url, "--learn", "--say", TALK[0][0], "--say", TALK[1][0])
    assert output.splitlines()[1:] == [line for text, answer in TALK[:2]
                                       for line in (f"> {text}", answer)]
    assert server.redis().exists("talk:me")
    server.process.kill()
    server.process.wait()
    server.start()
    output = run("chat_bot", url, "--say", TALK[2][0], "--say", TALK[3][0])
    assert output.splitlines()[1::2] == [answer for _, answer in TALK[2:]]


@pytest.fixture(scope="module")
def speakers(tmp_path_factory):
    folder = tmp_path_factory.mktemp("speakers")
    run("who_said_that", "--out", folder, "--rows", 400, "--epochs", 6)
    return folder


@pytest.fixture(scope="module")
def service(speakers):
    """The address of the service."""
    with embedded() as url:
        command = [sys.executable, FOLDER / "mystery_service.py", url, speakers, "--port", "0"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()
            process.wait()
            process.stdout.close()


def post(address, body):
    """(status, JSON)"""
    try:
        with urllib.request.urlopen(address, json.dumps(body).encode(), timeout=20) as reply:
            return reply.status, json.load(reply)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_the_service_says_who_said_that(service, speakers):
    line = "Beep unknown object ahead"
    status, said = post(service, {"line": line})
    classes = json.loads((speakers / "classes.json").read_text())
    index = json.loads((speakers / "word_index.json").read_text())
    assert status == 200 and (said["line"], said["backend"]) == (line, "onnx")
    assert said["encodedLine"] == [0] * 146 + [index[w] for w in text_to_word_sequence(line)]
    assert said["winner"] == said["results"][0]
    assert said["winner"]["decodedClass"] == classes[said["winner"]["class"]] == "Gadget 7"
    scores = [result["score"] for result in said["results"]]
    assert scores == sorted(scores, reverse=True) and np.isclose(sum(scores), 1, atol=1e-5)
    assert {result["decodedClass"] for result in said["results"]} == set(classes)


@pytest.mark.parametrize(("path", "body", "status"), [
    ("", {"text": 1}, 400), ("", ["jinkies"], 400), ("", {"line": 5}, 400), ("/no", {}, 404),
    ("", {"line": "x" * 70_000}, 413),
])
def test_the_service_refuses(service, path, body, status):
    got, said = post(service + path, body)
    assert got == status and said["error"]


def test_one_line_without_http(speakers):
    with embedded() as url:
        words = "nobody knows these words"
        said = json.loads(run("mystery_service", url, speakers, "--ask", words))
    assert len(said["results"]) == 5 and len(said["encodedLine"]) == 150
