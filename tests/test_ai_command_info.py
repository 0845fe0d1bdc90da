"""COMMAND INFO of the AI commands says what RedisAI's does; GETKEYS finds all keys."""

import pytest
from test_ai_scripts import encoded

# command: flags (W write denyoom, w write, r readonly, k movable keys), first key
TOLD = """ai.tensorset W 1|ai.tensorget r 1|ai.modelstore W 1|ai.modelset W 1|ai.modelget r 1
ai.modeldel w 1|ai._modelscan r 0|ai._scriptscan r 0|ai.modelexecute Wk 4|ai.modelrun Wk 3
ai.scriptstore W 1|ai.scriptset W 1|ai.scriptget r 1|ai.scriptdel w 1|ai.scriptexecute Wk 5
ai.scriptrun Wk 4|ai.dagexecute Wk 3|ai.dagexecute_ro rk 3|ai.dagrun Wk 3|ai.dagrun_ro rk 3
ai.info r 1|ai.config w 0""".replace("\n", "|").split("|")
LETTERS = {"W": {b"write", b"denyoom"}, "w": {b"write"}, "r": {b"readonly"},
           "k": {b"movablekeys"}}


@pytest.mark.parametrize("line", TOLD)
def test_what_is_told_about_a_command(server, line):
    name, letters, first = line.split()
    raw = server.connect()
    ((told,),) = raw.ask(encoded(("COMMAND", "INFO", name.upper())))
    assert told[0] == name.encode() and told[1] == -1
    assert {flag if type(flag) is bytes else flag.encode() for flag in told[2]} == set().union(
        *[LETTERS[letter] for letter in letters])
    assert told[3:6] == ([int(first), int(first), 1] if int(first) else [0, 0, 0])
    if int(first):
        spec = dict(zip(told[8][0][::2], told[8][0][1::2], strict=True))
        assert spec[b"begin_search"][3] == [b"index", int(first)]


@pytest.mark.parametrize(("words", "keys"), [
    ("AI.MODELEXECUTE m INPUTS 2 a b OUTPUTS 1 c", "m a b c"),
    ("AI.MODELRUN m INPUTS a b OUTPUTS c", "m a b c"),
    ("AI.SCRIPTEXECUTE s f KEYS 1 k INPUTS 1 a OUTPUTS 1 c", "s k a c"),
    ("AI.DAGEXECUTE LOAD 1 a PERSIST 1 b ROUTING r |> AI.MODELEXECUTE m INPUTS 1 a OUTPUTS 1 b",
     "a b r m"),
    ("AI.DAGRUN_RO |> AI.MODELRUN m INPUTS a OUTPUTS b", "m"),
    ("AI.TENSORSET a FLOAT 1", "a"),
])
def test_the_keys_of_a_request(server, words, keys):
    found = server.connect().ask(encoded(("COMMAND", "GETKEYS", *words.split())))
    assert found == [[key.encode() for key in keys.split()]]
