"""The code of the README and the quickstart runs, its commands and files exist."""

import re
import shlex
from pathlib import Path

import pytest

from respnet.cli import build_parser
from respnet.cli_embed import embedded

ROOT = Path(__file__).resolve().parents[1]
PAGES = ["README.md", "docs/quickstart.md", "docs/nr.md", "docs/keras.md"]
redis = pytest.importorskip("redis")


def blocks(page, *languages):
    """Code blocks of a page in order: (language, text)."""
    found = re.findall(r"^```(\w+)\n(.*?)^```$", (ROOT / page).read_text(), re.M | re.S)
    return [(language, text) for language, text in found if language in languages]


@pytest.mark.parametrize("page", PAGES)
def test_the_code_runs_from_top_to_bottom(page, tmp_path, monkeypatch):
    """One reader, one session: Python blocks share their names, redis blocks go to the server."""
    monkeypatch.chdir(tmp_path)
    names = {}
    with embedded() as url, redis.Redis.from_url(url) as server:
        port = url.rpartition(":")[2]
        for language, text in blocks(page, "python", "redis"):
            text = text.replace("6390", port)
            if language == "python":
                exec(compile(text, page, "exec"), names)
            else:
                for line in text.splitlines():
                    server.execute_command(*shlex.split(line))
    assert len(names) > 3


def test_the_readme_tells_the_truth_about_what_it_computes(capsys, tmp_path, monkeypatch):
    test_the_code_runs_from_top_to_bottom("README.md", tmp_path, monkeypatch)
    numbers = [float(n) for n in re.findall(r"-?\d+\.\d+", capsys.readouterr().out)]
    assert len(numbers) == 3
    assert numbers == pytest.approx([-5, -5, -5], abs=0.7)


def test_the_two_commands_are_on_the_first_screen():
    top = (ROOT / "README.md").read_text().splitlines()[:20]
    assert any(line.startswith("make demo") for line in top)
    assert any(line.startswith("make test") for line in top)


def shell_lines():
    for page in [*PAGES, "docs/install.md", "CONTRIBUTING.md"]:
        text = (ROOT / page).read_text()
        for block in re.findall(r"^```sh\n(.*?)^```$", text, re.M | re.S):
            yield from (line.partition("#")[0].strip() for line in block.splitlines())
        yield from re.findall(r"`((?:make|respnet) [^`]+)`", text)
        indented = re.findall(r"^    (respnet .*)$", text, re.M)
        yield from (line.partition("#")[0].strip() for line in indented)


@pytest.mark.parametrize("line", sorted({x for x in shell_lines() if x.startswith("respnet ")}))
def test_the_shown_commands_are_understood(line):
    words = [w for w in shlex.split(line)[1:] if w != "..."]
    assert build_parser().parse_args(words).command == words[0]


def test_the_shown_targets_exist():
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.M)
    shown = {m for line in shell_lines() for m in re.findall(r"^make (\w+)", line)}
    assert {"demo", "test"} <= shown <= set(targets)


@pytest.mark.parametrize("page", sorted(p.relative_to(ROOT).as_posix() for p in (
    *ROOT.glob("*.md"), *ROOT.glob("docs/*.md"))))
def test_links_lead_somewhere(page):
    here = ROOT / page
    targets = re.findall(r"\]\(([^)#:]+)\)", here.read_text())
    assert [t for t in targets if not (here.parent / t).exists()] == []
