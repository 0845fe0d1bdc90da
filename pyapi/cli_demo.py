"""``respnet demo NAME``: a server, a network trained through it, what it learned, in seconds."""

import time

from .cli_errors import CliError
from .client import connect
from .demos import DEMOS, Demo
from .draw import coloured_map, decision_grid, decision_map, sparkline

SUMMARY = "train a network through a server of its own and draw what it learned"
EXAMPLE = "respnet demo circles"
FRAMES, CYCLES = 25, 12  # pictures of the network while it learns, passes over the rows between
LEAST_SECONDS = 0.08  # a picture is shown for
WIDTH = 48  # columns of the map


def add(parser) -> None:
    parser.add_argument("name", nargs="?", choices=sorted(DEMOS), default="circles")
    parser.add_argument("--list", action="store_true", help="name the demos, then leave")
    parser.add_argument("--seed", type=int, default=1, help="of the rows and the first weights (1)")
    parser.add_argument("--quiet", action="store_true", help="the result only")


def run(args) -> int:
    if args.list:
        for name, demo in DEMOS.items():
            print(f"{name:8} {demo.summary} ({'-'.join(map(str, demo.units))})")
        return 0
    from .cli_embed import embedded

    demo = DEMOS[args.name]
    observed, held_out = demo.split(args.seed)
    with embedded() as url, connect(url) as client:
        show = Show(demo, url, args.quiet)
        net = client.create(
            args.name,
            *demo.units,
            role=demo.role,
            seed=args.seed,
            normalize=demo.normalize,
            train_rows=demo.train_rows,
            test_rows=demo.test_rows,
        )
        net.observe(*observed)
        show.opening(args.name, len(observed[0]), len(held_out[0]))
        learn(net, show)
        show.result(net, *held_out)
    return 0


def learn(net, show: "Show") -> None:
    """A slice at a time, so that the network can be asked in between; then until it is good."""
    with show.live():
        for _ in range(FRAMES):
            end = time.monotonic() + LEAST_SECONDS
            net.train(max_cycles=CYCLES)
            show.frame(net)
            time.sleep(max(0.0, end - time.monotonic()) if show.moving else 0.0)
        net.train(autostop=True, backtrack=True)
        show.frame(net)


class Show:
    """What is drawn. On a terminal one moving picture, elsewhere a line now and then."""

    def __init__(self, demo: Demo, url: str, quiet: bool):
        from rich.console import Console

        self.demo, self.url, self.quiet = demo, url, quiet
        self.console = Console(highlight=False)
        self.moving = self.console.is_terminal and not quiet
        self.curve: list[float] = []
        self._live = None

    def say(self, text: str) -> None:
        if not self.quiet:
            self.console.print(text, markup=False)

    def opening(self, name: str, rows: int, held_out: int) -> None:
        units = "-".join(map(str, self.demo.units))
        self.say(f"{name}: {self.demo.summary}")
        self.say(f"server {self.url}, network {units}, {rows} rows sent, {held_out} held out\n")

    def live(self):
        from contextlib import nullcontext

        from rich.live import Live

        if not self.moving:
            return nullcontext()
        self._live = Live(console=self.console, auto_refresh=False, transient=True)
        return self._live

    def frame(self, net) -> None:
        info = net.info()
        self.curve.append(info["test-error"])
        if self._live is not None:
            from rich.console import Group

            self._live.update(Group(self.picture(net), self.progress(info)), refresh=True)
        elif len(self.curve) % 5 == 1:
            self.say(self.progress(info))

    def progress(self, info: dict) -> str:
        text = f"cycle {info['training-total-cycles']:>5}   test error {info['test-error']:<8.3g}"
        if "classification-errors-perc" in info:
            text += f"   wrong {info['classification-errors-perc']:4.1f} %"
        plain = self.console.encoding.lower() != "utf-8"
        return f"{text}   {sparkline(self.curve, 24, ascii_only=plain)}"

    def picture(self, net):
        """The decision map where there is a plane to draw, else nothing."""
        if self.demo.role != "classifier" or self.demo.units[0] != 2:
            return ""
        box = (-1.0, -1.0, 1.0, 1.0)
        if self.console.color_system and self.console.encoding.lower() == "utf-8":
            return coloured_map(decision_grid(net.classify, box, WIDTH, WIDTH))
        return decision_map(decision_grid(net.classify, box, WIDTH, WIDTH // 2))

    def result(self, net, x, y) -> None:
        """The last picture, and how good the network is on rows it has never seen."""
        if not self.quiet:
            self.console.print(self.picture(net), highlight=False)
        if self.moving:
            self.say("\n" + self.progress(net.info()))
        if self.demo.role == "classifier":
            right = float((net.classify(x) == y).mean())
            print(f"held-out accuracy {100 * right:.1f} % of {len(x)} rows", flush=True)
            if right < 0.8:
                raise CliError(f"the network learned too little: {100 * right:.1f} %")
        else:
            answers = net.run(x)
            for row, got, wanted in list(zip(x, answers, y, strict=True))[:5]:
                inputs = ", ".join(f"{v:g}" for v in row)
                self.say(f"{inputs:>8} -> {got[0]:8.3f}   ({wanted[0]:g})")
            error = float(abs(answers - y).mean())
            print(f"held-out mean absolute error {error:.3f} of {len(x)} rows", flush=True)
