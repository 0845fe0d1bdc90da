"""Hostile scripts: each is refused or ended, nothing of it runs, the others are answered meanwhile.

Reliability R23: within 10 s, PING answered, growth at most 512 MB, no marker file.
"""

import threading
import time

import pytest

PATIENCE = 10  # seconds until a hostile script must be answered
GROWTH = 512 << 20
STEPS = "more than 5000000 steps"
SECONDS = "longer than 5 seconds"
BYTES = "more than 268435456 bytes of tensors"

# what stands in f(tensors, keys, args), {marker} a path; the end of the error
REFUSED = {
    "import": ("import os", "import is not allowed in a script"),
    "system": ("__import__('os').system('touch {marker}')",
               "unknown method 'system'; did you mean item or byte?"),
    "open": ("open('{marker}', 'w')", "unknown function 'open'; did you mean len?"),
    "exec": ("exec('open({marker!r})')", None),
    "compile": ("compile('1', '', 'eval')", None),
    "getattr": ("return getattr(keys, '__class__')", None),
    "class walk": ("return ().__class__.__bases__[0].__subclasses__()",
                   "the attribute '__subclasses__' is not allowed in a script"),
    "function globals": ("return f.__globals__",
                         "the attribute '__globals__' is not allowed in a script"),
    "file of an array": ("tensors[0].tofile('{marker}')",
                         "unknown method 'tofile'; did you mean tile or fill_ or to?"),
    "lambda": ("return (lambda: 1)()", "only functions with a name can be called"),
    "walrus": ("return (y := 1)", ":= is not allowed in a script"),
    "global": ("global y", "global is not allowed in a script"),
    "del": ("del tensors", "del is not allowed in a script"),
    "await": ("await tensors", "await is not allowed in a script"),
    "format": ("return '{{0.__class__}}'.format(1)",
               "unknown method 'format'; did you mean float or sort or norm?"),
    "f-string": ("return f'{{tensors}}'", "an f-string is not allowed in a script"),
    "full-width exec": ("\uff45\uff58\uff45\uff43('1')", None),
    "torch.load": ("torch.load('{marker}')", None),
    "parentheses": ("return " + "(" * 10000 + ")" * 10000, "the script is nested too deeply"),
    "minus signs": ("return " + "-" * 10000 + "1", "the script is nested too deeply"),
    "long sum": ("return " + "+".join("1" * 20000), "the script is nested too deeply"),
    "huge number": ("return " + "9" * 60000, "an int has 64 bits"),
}
ENDED = {
    "long loop": ("n = 0\nfor i in range(10000000000):\n    n += i", STEPS),
    "endless loop": ("while True:\n    pass", STEPS),
    "recursion": ("return f(tensors, keys, args)", "more than 32 calls inside calls"),
    "huge zeros": ("return torch.zeros(1000000000000)", f"zeros: {BYTES}"),
    "many tensors": ("y = [torch.zeros(1)]\nwhile True:\n    y.append(torch.zeros(1000000))",
                     BYTES),
    "broadcast": ("y = torch.zeros(100000)\nreturn y.unsqueeze(1) + y", f"add: {BYTES}"),
    "expand": ("return torch.zeros(1).expand(1000000, 1000000)", f"expand: {BYTES}"),
    "string times": ("return 'a' * 1000000000", "* does not work on str and int"),
    "string doubling": ("y = 'a'\nwhile True:\n    y = y + y",
                        "more than 67108864 bytes of strings"),
    "list doubling": ("y = [1]\nwhile True:\n    y = y + y", STEPS),
    "power tower": ("return 9 ** 9 ** 9", "9 ** 387420489.0 is no number"),
    "endless stores": ("y = torch.zeros(1000000)\nwhile True:\n    y[1:] += y[0]", STEPS),
    "stores at places": ("y = torch.zeros(10000000)\ni = torch.zeros(30000000).long()", BYTES),
    "small stores": ("y = torch.zeros(3)\nwhile True:\n    y[0] = 1", (STEPS, SECONDS)),
    "copies of views": ("y = torch.zeros(1).expand(5000, 5000)\nreturn y.clone() + y", BYTES),
    "huge random": ("return torch.rand(1000000000000)", f"rand: {BYTES}"),
    "huge shuffle": ("return torch.randperm(4000000000)", f"randperm: {STEPS}"),
    "many draws": ("return torch.multinomial(torch.ones(2), 1000000000000, True)",
                   f"multinomial: {BYTES}"),
    "random for ever": ("while True:\n    torch.randn(1000000)", (STEPS, SECONDS)),
    "matrix products": ("y = torch.ones(3000, 3000)\nfor i in range(1000):\n    y = y @ y", STEPS),
    "list in itself": ("y = [1]\ny[0] = y\nreturn y == y",
                       "calls or lists are nested too deeply"),
    "commands": ("while True:\n    redis.execute('RPUSH', 'k', 1)\n    redis.execute('LPOP', 'k')",
                 SECONDS),
}


def source(lines):
    head = "def f(tensors: List[Tensor], keys: List[str], args: List[str]):\n"
    return head + "\n".join("    " + line for line in lines.splitlines()) + "\n"


class Pinger(threading.Thread):
    """Another client that asks all the time; ``slowest``: seconds of its slowest answer."""

    def __init__(self, client):
        super().__init__()
        self.client, self.slowest, self.over = client, 0.0, threading.Event()

    def run(self):
        while not self.over.is_set():
            start = time.monotonic()
            self.client.ping()
            self.slowest = max(self.slowest, time.monotonic() - start)
            time.sleep(0.005)


@pytest.fixture
def watched(server):
    """(client, folder) while another client pings; what must hold is checked at the end."""
    pid, before = server.process.pid, resident(server.process.pid)
    pinger = Pinger(server.redis())
    pinger.start()
    yield server.redis(protocol=2), server.folder
    pinger.over.set()
    pinger.join()
    assert pinger.slowest < PATIENCE
    assert resident(pid, "VmHWM") - before < GROWTH
    assert server.process.poll() is None


def resident(pid, field="VmRSS"):
    """Bytes of memory of a process now, or the most it ever had."""
    with open(f"/proc/{pid}/status") as status:
        line = next(line for line in status if line.startswith(field))
    return int(line.split()[1]) * 1024


def answer(client, *words):
    """The error text, and that it came in time."""
    start = time.monotonic()
    reply = client.execute_command(*words)
    assert time.monotonic() - start < PATIENCE
    return reply


def check_refused(client, end, *words):
    try:
        reply = answer(client, *words)
    except Exception as error:
        text = str(error)
    else:
        raise AssertionError(f"was answered {reply!r}")
    assert text.startswith("line ") and "Traceback" not in text and "/" not in text[:20]
    assert end is None or text.endswith(end)


@pytest.mark.parametrize("name", REFUSED)
def test_a_hostile_script_is_not_stored(watched, name):
    client, folder = watched
    marker = folder / "marker"
    lines, end = REFUSED[name]
    check_refused(client, end, "AI.SCRIPTSTORE", "s", "CPU", "ENTRY_POINTS", 1, "f", "SOURCE",
                  source(lines.format(marker=marker)))
    assert client.exists("s") == 0 and not marker.exists()


@pytest.mark.parametrize("name", ENDED)
def test_a_hostile_script_is_ended(watched, name):
    client, _ = watched
    lines, end = ENDED[name]
    assert client.execute_command("AI.SCRIPTSTORE", "s", "CPU", "ENTRY_POINTS", 1, "f", "SOURCE",
                                  source(lines)) == b"OK"
    check_refused(client, end, "AI.SCRIPTEXECUTE", "s", "f", "INPUTS", 0)
    assert client.ping() is True


@pytest.mark.parametrize("lines", ["y = torch.zeros(1).expand(60000000)\nreturn [y] * 64",
                                   "y = torch.zeros(10000000)\nreturn [y] * 64",
                                   "return [tensors[0].view(-1, 1).expand(-1, 90)] * 64"])
def test_results_are_not_larger_than_a_script_may_be(watched, lines):
    client, _ = watched
    client.execute_command("AI.SCRIPTSET", "s", "CPU", "SOURCE", source(lines))
    client.execute_command("AI.TENSORSET", "x", "FLOAT", 100000)
    names = [f"o{i}" for i in range(64)]
    with pytest.raises(Exception, match="the results of a script take more than 256 MiB, and more"):
        answer(client, "AI.SCRIPTEXECUTE", "s", "f", "INPUTS", 1, "x", "OUTPUTS", 64, *names)
    assert client.exists(*names) == 0


@pytest.mark.parametrize("text", ["@g\ndef f(): pass", "async def f(): pass", "class A: pass",
                                  "import os", "x = open('a')"])
def test_a_text_that_is_no_script(watched, text):
    check_refused(watched[0], None, "AI.SCRIPTSET", "s", "CPU", "SOURCE", text)
