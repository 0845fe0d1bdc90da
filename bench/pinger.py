"""``python -m bench.pinger PORT``: PING twice a millisecond until standard input ends.

A process of its own, so that what the bench does meanwhile does not count. Prints the longest and
the 99th percentile of the latencies, in milliseconds, as JSON.
"""

import json
import select
import socket
import sys
import time

PAUSE = 0.0005  # seconds


def main(port):
    link = socket.create_connection(("127.0.0.1", port))
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    latencies = []
    while not select.select([sys.stdin], [], [], PAUSE)[0]:
        start = time.perf_counter()
        link.sendall(b"PING\r\n")
        link.recv(64)
        latencies.append(1e3 * (time.perf_counter() - start))
    latencies.sort()
    print(json.dumps({"max_ms": latencies[-1], "p99_ms": latencies[len(latencies) * 99 // 100]}))


if __name__ == "__main__":
    main(int(sys.argv[1]))
