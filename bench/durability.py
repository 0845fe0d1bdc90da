"""How fast the store commits, beside a bare append with fdatasync in the same run.

    python -m bench.durability [--seconds 1.0] [--rounds 5] [--dir DIR]

A turn is what the server does: n effects of 60 bytes, one group, wait until it may be answered.
The sides of a contest are interleaved; a ratio is made within a round, the median counts.
"""

import argparse
import asyncio
import os
import tempfile
import time
from contextlib import closing
from pathlib import Path
from statistics import median

from respnet.redisproto.store import Store

EFFECT = b"\x3f" * 60
FRAME = 17 + len(EFFECT)
SIZES = (1, 16, 256)
ROOM = 16 << 20


class Network:
    """The least a value must be."""

    kind, id, generation = 1, 1, 0

    def dump(self):
        return b"head", []


class Turns:
    """Turn times in seconds."""

    def __init__(self, times):
        self.times = sorted(times)

    @property
    def rate(self):
        return len(self.times) / sum(self.times)

    def quantile(self, q):
        return self.times[min(len(self.times) - 1, int(q * len(self.times)))]


def raw(folder, size, seconds, room=0):
    """Write and fdatasync, nothing else; with room, into a file that has its size already, as a
    WAL that is used again has (a file that grows makes the file system write its journal)."""
    block, times, at = bytes(FRAME) * size, [], 0
    file = os.open(folder / "raw", os.O_WRONLY | os.O_CREAT)
    os.write(file, bytes(room))
    os.fsync(file)
    end = time.perf_counter() + seconds
    while (start := time.perf_counter()) < end:
        os.pwrite(file, block, at)
        os.fdatasync(file)
        at = (at + len(block)) % (room - len(block)) if room else at + len(block)
        times.append(time.perf_counter() - start)
    os.close(file)
    os.unlink(folder / "raw")
    return Turns(times)


async def turns(folder, policy, size, seconds):
    """The same through the store, the loop and the writer thread."""
    loop, woken, times = asyncio.get_running_loop(), asyncio.Event(), []
    store = Store(folder / "store", policy, lambda: loop.call_soon_threadsafe(woken.set))
    network = Network()
    with closing(store):
        for _ in store.open():
            pass
        store.put(0, b"net", network)
        end = time.perf_counter() + seconds
        while (start := time.perf_counter()) < end:
            for _ in range(size):
                store.effects.add(1, 1, 0, EFFECT)
            store.end_group()
            while store.committed < store.ticket:
                woken.clear()
                await woken.wait()
            times.append(time.perf_counter() - start)
    return Turns(times)


def run(main):
    try:
        import uvloop
    except ImportError:
        return asyncio.run(main)
    return uvloop.run(main)


def measure(side, parent, size, seconds):
    """side: "raw", "raw in place" or a policy."""
    with tempfile.TemporaryDirectory(dir=parent) as folder:
        if side.startswith("raw"):
            return raw(Path(folder), size, seconds, room=ROOM if side == "raw in place" else 0)
        return run(turns(Path(folder), side, size, seconds))


def table(parent, seconds, rounds):
    sides = ("raw", "raw in place", "always", "everysec", "no")
    print("effects/turn  side          turns/s  effects/s   p50 us   p99 us  vs raw")
    for size in SIZES:
        results = [{s: measure(s, parent, size, seconds) for s in sides} for _ in range(rounds)]
        for side in sides:
            rate = median(r[side].rate for r in results)
            p50, p99 = (median(r[side].quantile(q) for r in results) * 1e6 for q in (0.5, 0.99))
            ratio = median(r[side].rate / r["raw"].rate for r in results)
            print(f"{size:12d}  {side:12s} {rate:8.0f} {rate * size:10.0f} "
                  f"{p50:8.0f} {p99:8.0f}  {ratio:.2f}")  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=1.0, help="of each sample")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--dir", default=None, help="a folder on the disk to measure")
    arguments = parser.parse_args()
    table(arguments.dir, arguments.seconds, arguments.rounds)


if __name__ == "__main__":
    main()
