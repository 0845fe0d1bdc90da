"""What a DAG refuses, with its exact words: nothing runs then, and nothing is kept."""

import pytest
from ai_models import WRONGTYPE, figures, network, said, store

SET = "|> AI.TENSORSET x FLOAT 1 3 VALUES 1 2 3"
RUN = "|> AI.MODELEXECUTE m INPUTS 1 x OUTPUTS 1 y"
OLD = "|> AI.MODELRUN m INPUTS x OUTPUTS y"
GET = "|> AI.TENSORGET x"
TEN = "AI.TENSORGET"
EX, RO = "AI.DAGEXECUTE", "AI.DAGEXECUTE_RO"
ROUTED = f"{EX} ROUTING k"
NO_KEYWORD = ("ERR AI.DAGEXECUTE and AI.DAGEXECUTE_RO commands must contain at least one out of "
              "ROUTING, LOAD, PERSIST keywords")
UNEXPECTED = "ERR Invalid DAG command. Unexpected argument:  "
LOADS = "ERR number of keys to LOAD into DAG does not match the number of given arguments"
PERSISTS = ("ERR number of keys to PERSIST after DAG execution does not match the number of given "
            "arguments")
COUNT = "ERR invalid or negative value found in number of keys to "
NO_TENSOR = "ERR tensor key is empty or in a different shard"
NO_INPUT = "ERR INPUT key cannot be found in DAG"

HEADS = [
    (EX, "ERR missing arguments for 'AI.DAGEXECUTE' command"),
    (f"{RO} ROUTING k |> {TEN}", "ERR missing arguments for 'AI.DAGEXECUTE_RO' command"),
    ("ai.dagrun |> x", "ERR wrong number of arguments for 'AI.DAGRUN' command"),
    ("AI.DAGRUN_RO", "ERR wrong number of arguments for 'AI.DAGRUN_RO' command"),
    (f"{EX} PERSIST 2 a b LOAD 1", "ERR missing arguments after LOAD keyword in DAG command"),
    (f"{EX} LOAD a b {GET}", COUNT + "LOAD"),
    (f"{EX} LOAD 0 b {GET}", COUNT + "LOAD"),
    (f"{EX} LOAD -1 b {GET}", COUNT + "LOAD"),
    (f"{EX} ROUTING t LOAD 2 t", LOADS),
    (f"{EX} LOAD 99999999999 t t t", LOADS),
    (f"{EX} LOAD 1 no {GET}", NO_TENSOR),
    (f"{EX} LOAD 9 t no {GET}", NO_TENSOR),
    (f"{EX} LOAD 1 s {GET}", WRONGTYPE),
    (f"{EX} LOAD 1 m {GET}", WRONGTYPE),
    (f"{ROUTED} LOAD 1 t PERSIST 1", "ERR missing arguments after PERSIST keyword in DAG command"),
    (f"{EX} PERSIST a b {GET}", COUNT + "PERSIST"),
    (f"{EX} PERSIST 0 b {GET}", COUNT + "PERSIST"),
    (f"{ROUTED} PERSIST 2 a", PERSISTS),
    (f"{EX} PERSIST 2 a a {SET}", "ERR PERSIST keys must be unique"),
    (f"{EX} PERSIST 1 y {SET}", "ERR PERSIST key cannot be found in DAG"),
    (f"{RO} PERSIST 1 x {SET}", "ERR PERSIST cannot be specified in a read-only DAG"),
    (f"AI.DAGRUN_RO PERSIST 1 x {SET}", "ERR PERSIST cannot be specified in a read-only DAG"),
    (f"{EX} PERSIST 3 a b c ROUTING", "ERR Missing ROUTING value"),
    (f"{EX} PERSIST 2 a b TIMEOUT", "ERR No value provided for TIMEOUT"),
    (f"{ROUTED} TIMEOUT a {GET}", "ERR Invalid value for TIMEOUT"),
    (f"{ROUTED} TIMEOUT 0 {GET}", "ERR Invalid value for TIMEOUT"),
    (f"{ROUTED} TIMEOUT -5 {GET}", "ERR Invalid value for TIMEOUT"),
    (f"{ROUTED} PERSIST 1 a BAD", UNEXPECTED + "BAD"),
    (f"{ROUTED} ROUTING k {GET}", UNEXPECTED + "ROUTING"),
    (f"{EX} LOAD 1 t LOAD 1 t {GET}", UNEXPECTED + "LOAD"),
    (f"{ROUTED} TIMEOUT 5 timeout 5 {GET}", UNEXPECTED + "timeout"),
    (f"{ROUTED} {GET} |>", UNEXPECTED + "|>"),
    (f"{EX} {SET}", NO_KEYWORD),
    (f"{EX} TIMEOUT 5 {SET}", NO_KEYWORD),
    (f"{ROUTED} LOAD 1 t", "ERR DAG is empty"),
    ("AI.DAGRUN TIMEOUT 5 ROUTING k", "ERR DAG is empty"),
]
STEPS = [
    (f"{ROUTED} |> AI.NOCOMMAND a 1", "ERR Unsupported command within DAG"),
    (f"{ROUTED} |> |> {TEN} x", "ERR Unsupported command within DAG"),
    (f"{ROUTED} |> GET a", "ERR Unsupported command within DAG"),
    (f"{ROUTED} |> {ROUTED} {GET}", "ERR Unsupported command within DAG"),
    (f"{EX} LOAD 1 t {OLD}", "ERR Deprecated AI.MODELRUN cannot be used in AI.DAGEXECUTE command"),
    (f"{ROUTED} |> AI.SCRIPTRUN s f INPUTS x",
     "ERR Deprecated AI.SCRIPTRUN cannot be used in AI.DAGEXECUTE command"),
    (f"AI.DAGRUN {RUN}", "ERR AI.MODELEXECUTE cannot be used in a deprecated AI.DAGRUN command"),
    ("AI.DAGRUN |> AI.SCRIPTEXECUTE s f",
     "ERR AI.SCRIPTEXECUTE cannot be used in a deprecated AI.DAGRUN command"),
    (f"{RO} LOAD 1 t |> AI.SCRIPTEXECUTE s f INPUTS 1 t",
     "ERR AI.SCRIPTEXECUTE command cannot be specified in a read-only DAG"),
    (f"{ROUTED} {SET} |> AI.SCRIPTEXECUTE no f INPUTS 1 x", "ERR script key is empty"),
    (f"{ROUTED} {SET} |> {TEN}", f"ERR wrong number of arguments for '{TEN}' command"),
    (f"{ROUTED} {SET} |> {TEN} x META BLOB a",
     f"ERR wrong number of arguments for '{TEN}' command"),
    (f"{ROUTED} {SET} |> {TEN} x FOO", "ERR unsupported data format"),
    (f"{ROUTED} {SET} |> {TEN} x BLOB VALUES", "ERR both BLOB and VALUES specified"),
    (f"{ROUTED} {SET} |> AI.TENSORSET", "ERR wrong number of arguments for 'AI.TENSORSET' command"),
    (f"{ROUTED} |> AI.TENSORSET x FOO 1", "ERR invalid data type"),
    (f"{ROUTED} |> AI.TENSORSET x FLOAT 0", "ERR invalid or negative value found in tensor shape"),
    (f"{ROUTED} |> AI.TENSORSET x FLOAT 1 VALUES a", "ERR invalid value"),
    (f"{ROUTED} |> {TEN} t", NO_INPUT),
    (f"{ROUTED} {RUN} {SET}", NO_INPUT),
    (f"{ROUTED} {RUN} |> FOO", "ERR Unsupported command within DAG"),
    (f"{ROUTED} |> AI.MODELEXECUTE no INPUTS 1 x OUTPUTS 1 y", "ERR model key is empty"),
    (f"{ROUTED} |> AI.MODELEXECUTE s INPUTS 1 x OUTPUTS 1 y", WRONGTYPE),
    (f"{ROUTED} |> AI.MODELEXECUTE m INPUTS 1 x OUTPUTS 1",
     "ERR wrong number of arguments for 'AI.MODELEXECUTE' command"),
    (f"{ROUTED} |> AI.MODELEXECUTE m INPUTS 2 x x OUTPUTS 1 y",
     "ERR Number of keys given as INPUTS here does not match model definition"),
    (f"{ROUTED} {SET} {RUN} TIMEOUT 5", "ERR TIMEOUT not allowed within a DAG command"),
    (f"AI.DAGRUN {SET} |> AI.MODELRUN m TIMEOUT 5 INPUTS x OUTPUTS y",
     "ERR TIMEOUT not allowed within a DAG command"),
    ("AI.DAGRUN |> AI.MODELRUN m INPUTS OUTPUTS",
     "ERR wrong number of arguments for 'AI.MODELRUN' command"),
]


@pytest.fixture
def ready(resp2):
    store(resp2, "m", network())
    resp2.execute_command("AI.TENSORSET", "t", "FLOAT", 1, 3)
    resp2.set("s", "x")
    return resp2


@pytest.mark.parametrize(("line", "text"), HEADS + STEPS)
def test_what_is_refused_as_a_whole(ready, line, text):
    assert said(ready, *line.split()) == text
    assert ready.dbsize() == 3 and figures(ready, "m")["calls"] == 0


def test_the_second_step_is_read_before_the_first_runs(ready):
    assert said(ready, EX, "PERSIST", 1, "x", *SET.split(), *RUN.split(), "|>", "NO") == (
        "ERR Unsupported command within DAG")
    assert ready.dbsize() == 3 and figures(ready, "m")["calls"] == 0


def test_a_dag_has_an_end(ready):
    steps = ["|>", TEN, "t", "META"] * 10_000
    assert len(ready.execute_command(EX, "LOAD", 1, "t", *steps)) == 10_000
    assert said(ready, EX, "LOAD", 1, "t", *steps, *steps[:4]) == (
        "ERR a DAG has at most 10000 steps")
