"""docs/ops.md lists every op as it is, and its code runs."""

import re
from pathlib import Path

from respnet.engine.tensors.listing import markdown

PAGE = Path(__file__).resolve().parents[1] / "docs/ops.md"


def test_every_op_is_listed_as_it_is():
    table = PAGE.read_text().partition("## All ops\n\n")[2]
    assert table == markdown(), "python -m respnet.engine.tensors.listing prints the new table"


def test_the_code_runs_from_top_to_bottom(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    blocks = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.M | re.S)
    for text in blocks:
        exec(compile(text, PAGE.name, "exec"), names)
    assert len(blocks) >= 6 and {"Scale", "Square", "gradients"} <= set(names)
