"""DAGs: AI.DAGEXECUTE, AI.DAGRUN and their read-only forms."""

from typing import Literal

from ..ai_dag import run
from ..ai_dag_steps import step_keys
from ..ai_dag_words import KINDS, Order
from ..ai_orders import refuse_in_multi
from ..command import Family
from ..fast_dag import DagExecute
from ..grammar import key
from ..words import Raw

rows = Family("ai", since="1.0.0")

HEAD = "[LOAD n key [key ...]] {}[ROUTING key] [TIMEOUT ms] |> command [|> command ...]"
SUMMARY = "Run several commands on tensors of their own"


class Steps(Raw):
    """All words: the handler reads them, in the order of its checks."""

    items = (key(),)  # there are keys among them

    def __init__(self, kind):
        super().__init__(HEAD.format("" if kind.readonly else "[PERSIST n key [key ...]] "))
        self.order = kind

    def keys(self, request):
        order = Order(request.argv, self.order)
        models = [name for words in order.steps for name in step_keys(words)]
        return [*order.loads, *order.persists, *order.routing, *models]


def add(name, kind):
    """The row of one of the four commands."""
    summary = SUMMARY + (", keep none" if kind.readonly else "")
    summary += "; deprecated" if kind.deprecated else ""

    @rows.command(name.lower(), Steps(kind), flags="readonly" if kind.readonly else "write denyoom",
                  told_key=3, reply=list | Literal["TIMEDOUT"], summary=summary,
                  since="1.0.0" if kind.deprecated else "1.2.5",
                  complexity="O(N) where N is the work of its commands")
    def handler(session, request):
        refuse_in_multi(session)
        return run(session, request.argv, kind)

    rows.fast(name.lower(), DagExecute(kind.plans))


for command, its_kind in KINDS.items():
    add(command, its_kind)
