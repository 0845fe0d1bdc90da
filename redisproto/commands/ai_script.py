"""Scripts: AI.SCRIPTSTORE, AI.SCRIPTEXECUTE and their kin."""

from functools import partial
from typing import Literal

from ..access import OK, database
from ..ai_model import raw, text
from ..ai_queue import executor_of
from ..ai_script import ScriptRun, ScriptValue, script_at
from ..ai_script_host import ServerHost
from ..ai_script_orders import execute_order, run_order, set_order, store_order
from ..ai_shelf import Shelf
from ..ai_tensor import fetch_tensor
from ..command import Family, wrong_count
from ..grammar import key, string
from ..words import Raw
from .ai_execute import REPLY, Order, Results, refuse_in_multi

rows = Family("ai", since="1.0.0")

COST = "O(N) where N is the size of the source"
WORK = "O(N) where N is the work of the function, beside the other clients"
SCRIPTS = Shelf(ScriptValue)
STORE = "device [TAG tag] ENTRY_POINTS n name [name ...] SOURCE source"


@rows.command("ai.scriptstore", key(), Raw(STORE, 6), flags="write denyoom", since="1.2.5",
              reply=Literal["OK"], complexity=COST,
              summary="Store a script: functions over tensors, in TorchScript's syntax")
def scriptstore(session, request):
    return store(session, request, store_order)


@rows.command("ai.scriptset", key(), Raw("device [TAG tag] SOURCE source", 3),
              flags="write denyoom", reply=Literal["OK"], complexity=COST,
              summary="Store a script without entry points; deprecated, see AI.SCRIPTSTORE")
def scriptset(session, request):
    return store(session, request, set_order)


def store(session, request, read):
    SCRIPTS.check(database(session), request.key)  # told before what is wrong with the words
    compile_script = executor_of(session.server).compile_script
    build = partial(ScriptValue.build, *read(request.argv), compile_script)
    return SCRIPTS.store(session, request.key, build, len(request.argv[-1]))


def stored(session, name):
    return script_at(executor_of(session.server), database(session), name)


@rows.command("ai.scriptget", key(), Raw("[META] [SOURCE]"), flags="readonly",
              reply=list | bytes, summary="What a script is, or its source, or both")
def scriptget(session, request):
    if len(request.argv) > 4:
        raise wrong_count(request.argv[0])
    script = stored(session, request.key)
    words = {word.upper() for word in request.argv[2:]}
    meta, source = b"META" in words, b"SOURCE" in words
    if source and not meta:
        return script.source.encode()
    options = script.options
    fields = [b"device", options.device.encode(), b"tag", raw(options.tag),
              b"Entry Points", [raw(name) for name in options.entry_points]]
    return fields if meta and not source else [*fields, b"source", script.source.encode()]


@rows.command("ai.scriptdel", key(), flags="write", reply=Literal["OK"],
              summary="Delete a script; runs that began end as if it were there")
def scriptdel(session, request):
    stored(session, request.key)
    database(session).delete(request.key)
    return OK


@rows.command("ai._scriptscan", flags="readonly", reply=list[list],
              complexity="O(N) where N is the number of models, scripts and networks",
              summary="Keys and tags of all scripts")
def scriptscan(session, request):
    return SCRIPTS.scan(session)


# -- running


class ScriptWords(Order):
    """The words after the function's name."""

    def keys(self, request):
        order = self.read(request.argv)
        return [*order.key_words, *order.inputs, *order.outputs]


EXECUTE = ScriptWords(execute_order, "[KEYS n key [key ...]] [INPUTS n key [key ...]] [ARGS n arg "
                                     "[arg ...]] [OUTPUTS n key [key ...]] [TIMEOUT ms]", 0)
RUN = ScriptWords(run_order, "[TIMEOUT ms] INPUTS key [key ...] [$ key [key ...]] "
                             "OUTPUTS key [key ...]", 0)


@rows.command("ai.scriptexecute", key(), string("function"), EXECUTE, flags="write denyoom",
              told_key=5, since="1.2.5", reply=REPLY, complexity=WORK,
              summary="Run a function of a script on tensors")
def scriptexecute(session, request):
    return run(session, request, execute_order)


@rows.command("ai.scriptrun", key(), string("function"), RUN, flags="write denyoom", reply=REPLY,
              told_key=4, complexity=WORK,
              summary="Run a function of a script; deprecated, see AI.SCRIPTEXECUTE")
def scriptrun(session, request):
    return run(session, request, run_order)


def run(session, request, read):
    refuse_in_multi(session)
    executor = executor_of(session.server)
    script = stored(session, request.key)
    order = read(request.argv)
    function = script.function(text(request.function))
    tensors = [fetch_tensor(session, name) for name in order.inputs]
    results = Results(session.server, session.db, order.outputs)
    host = ServerHost(session.server, session.db)
    started = ScriptRun(host, script, function, order, tensors, results.done, order.deadline)
    started.place = session.db, order.inputs
    executor.submit(started)
    return results.reply()
