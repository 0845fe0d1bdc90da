"""The benchmark harness: its statistics, its bars, and one workload from the command line."""

import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def bench(monkeypatch):
    """Loads a module of the benchmarks, which are not installed."""
    monkeypatch.syspath_prepend(str(ROOT))
    return lambda name: importlib.import_module(f"bench.{name}")


def taken(*values, metric="cpu_us"):
    return [{metric: value} for value in values]


def test_spread_is_quartiles(bench):
    figures = bench("results").summary([5.0, 1.0, 2.0, 3.0, 4.0])
    assert figures == {"median": 3.0, "q1": 2.0, "q3": 4.0, "min": 1.0, "max": 5.0}


def test_one_sample_has_no_spread(bench):
    assert set(bench("results").summary([7.0]).values()) == {7.0}


def test_ratios_are_made_within_a_round(bench):
    # The machine became three times slower in the third round: the ratio must not see it.
    times_better = bench("results").times_better
    assert times_better([1.0, 1.0, 3.0], [2.0, 2.0, 6.0], "cpu_us") == [2.0, 2.0, 2.0]
    assert times_better([400.0], [100.0], "requests_per_s") == [4.0]


@pytest.mark.parametrize(
    ("limits", "measured", "met"),
    [
        ({"at_least": 2.0, "against": "peer"}, 2.0, True),
        ({"at_least": 2.1, "against": "peer"}, 2.0, False),
        ({"at_most": 25.0}, 20.0, True),
        ({"at_most": 25.0, "worst": True}, 30.0, False),
        ({"at_most": -15.0, "against": "peer"}, -20.0, True),
        ({"at_least": 1.0, "against": "absent"}, None, None),
    ],
)
def test_a_bar_is_judged(bench, limits, measured, met):
    samples = {"respnet": taken(10.0, 20.0, 30.0), "peer": taken(20.0, 40.0, 60.0)}
    row = bench("results").judged(bench("harness").Bar(**limits), samples)
    assert (row["measured"], row["met"]) == (measured, met)


def test_a_bar_has_exactly_one_limit(bench):
    with pytest.raises(ValueError, match="one limit"):
        bench("harness").Bar(against="numpy")


def test_sides_turn_so_that_none_is_always_first(bench):
    order = list(bench("harness").interleaved(["a", "b", "c"], 3))
    assert order == ["a", "b", "c", "b", "c", "a", "c", "a", "b"]


def test_sides_that_disagree_fail_loudly(bench):
    np, harness = pytest.importorskip("numpy"), bench("harness")
    expected = np.array([1.0, 2.0])
    assert harness.agree("side", expected, expected, 1e-9) == 0.0
    for wrong in (expected + 1e-3, expected[:1], expected * np.nan):
        with pytest.raises(harness.Disagreement, match="side"):
            harness.agree("side", wrong, expected, 1e-5)


def test_a_timed_side_calls_as_often_as_it_counts(bench):
    calls = []
    side = bench("harness").Timed(calls.append, 1, most=4)
    side.warm_up(1e9)
    calls.clear()
    assert side.sample()["wall_us"] > 0
    assert calls == [1] * 4


def test_the_report_keeps_the_notes_around_the_tables(bench):
    report = bench("report")
    text = f"before\n{report.MARKS[0]}\nold\n{report.MARKS[1]}\nafter\n"
    written = report.rewrite(text, {})
    assert written.startswith("before\n") and written.endswith("\nafter\n") and "old" not in written
    with pytest.raises(ValueError, match="marks"):
        report.rewrite("no marks", {})


def test_a_quick_workload_writes_its_json(tmp_path):
    target = tmp_path / "run.json"
    command = [sys.executable, "-m", "bench", "rprop", "--quick", "--only", "9-15-2"]
    done = subprocess.run([*command, "--json", str(target)], cwd=ROOT, text=True,
                          capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr
    document = json.loads(target.read_text())
    (contest,) = document["workloads"][0]["contests"]
    assert document["quick"] is True and len(contest["samples"]["numpy"]) == 3
    assert contest["sides"]["numpy"]["cpu_us"]["median"] > 0
    assert {"processor", "versions", "commit", "command"} <= set(document["machine"])
    assert "| numpy" in done.stdout
