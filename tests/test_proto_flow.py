"""Clients that send too much, read too little, or announce what never comes."""

import contextlib
import os
import socket
import time

import pytest
import redis
from resp_helpers import pack

PING = b"*1\r\n$4\r\nPING\r\n"
MB = 1024 * 1024


def resident(server):
    """Bytes of memory of the server's process."""
    with open(f"/proc/{server.process.pid}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def send_what_fits(link, data, seconds=1.0):
    """Send without reading until the other side takes nothing more."""
    link.sock.settimeout(seconds)
    with contextlib.suppress(TimeoutError, OSError):
        for at in range(0, len(data), 65536):
            link.send(data[at : at + 65536])
    link.sock.settimeout(30)


def is_cut(link, seconds=10):
    """Whether the server closes the connection within the time, without our reading."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            link.sock.send(b"\n")
        except OSError:
            return True
        time.sleep(0.05)
    return False


def test_replies_nobody_reads_stop_the_client_not_the_server(server, resp2):
    resp2.set("big", b"x" * MB)
    before = resident(server)
    link = server.connect()
    link.send(pack(b"GET", b"big") * 500)
    time.sleep(0.5)
    assert resident(server) - before < 64 * MB
    assert resp2.ping()
    expected = 500 * len(b"$1048576\r\n" + b"x" * MB + b"\r\n")
    while expected > 0:
        expected -= len(link.sock.recv(min(MB, expected)))
    assert link.ask(PING) == [b"PONG"]


def test_a_flood_that_is_not_read_goes_on_when_it_is(server):
    link = server.connect()
    data = pack(b"ECHO", b"y" * 1000) * 30_000
    link.sock.settimeout(30)
    link.sock.setblocking(False)
    sent = received = 0
    while received < 30_000:
        with contextlib.suppress(BlockingIOError):
            sent += link.sock.send(data[sent : sent + MB])
        with contextlib.suppress(BlockingIOError):
            link.reader.feed(link.sock.recv(MB))
        while link.reader.gets() is not False:
            received += 1
    assert (sent, received) == (len(data), 30_000)


def test_a_monitor_that_does_not_read_is_cut(serve):
    server = serve(client_output_buffer_limit="normal 4mb 1mb 1")
    monitor = server.connect()
    monitor.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    assert monitor.ask(pack(b"MONITOR")) == [b"OK"]
    client = server.redis()
    for _ in range(40):
        with client.pipeline(transaction=False) as pipe:
            for _ in range(100):
                pipe.echo(b"z" * 4000)
            pipe.execute()
    assert is_cut(monitor)
    assert "does not read" in server.log


def test_the_soft_limit_cuts_after_its_time(serve):
    server = serve(client_output_buffer_limit="normal 64mb 2mb 1")
    server.redis().set("big", b"x" * 20 * MB)
    link = server.connect()
    link.send(pack(b"GET", b"big"))
    assert is_cut(link)


def test_more_request_than_allowed_is_cut(serve):
    server = serve(client_query_buffer_limit="1mb")
    link = server.connect()
    send_what_fits(link, b"*2\r\n$3\r\nGET\r\n$5000000\r\n" + b"x" * 4_000_000)
    assert is_cut(link)
    queue = server.connect()
    queue.ask(pack(b"MULTI"))
    send_what_fits(queue, pack(b"SET", b"k", b"x" * 10_000) * 200)
    assert is_cut(queue)
    assert server.redis().ping()
    assert "bytes of requests" in server.log


def test_nothing_is_allocated_from_announced_sizes(server, resp2):
    resp2.ping()
    before = resident(server)
    links = [server.connect() for _ in range(200)]
    for link in links:
        link.send(b"*1048576\r\n$536870912\r\n" + b"x" * 100)
    assert resp2.ping()
    assert resident(server) - before < 16 * MB
    for link in links:
        link.sock.close()
    assert resp2.ping()


def test_many_idle_clients_are_cheap(server, resp2):
    resp2.ping()
    before = resident(server)
    links = [server.connect() for _ in range(400)]
    assert [link.ask(PING) for link in links] == [[b"PONG"]] * 400
    assert (resident(server) - before) / 400 < 16 * 1024
    for link in links:
        link.sock.close()


def test_connections_leave_nothing_behind(server, resp2):
    def storm():
        for _ in range(300):
            link = server.connect()
            link.ask(PING + pack(b"SET", b"k", b"x" * 1000), 2)
            link.sock.close()

    resp2.ping()
    clients = len(resp2.client_list())
    storm()
    before = resident(server)
    for _ in range(4):
        storm()
    assert resident(server) - before < 4 * MB
    deadline = time.monotonic() + 5
    while len(resp2.client_list()) > clients and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(resp2.client_list()) == clients


def test_a_client_killed_by_another(server, resp2):
    link = server.connect()
    number = link.ask(pack(b"CLIENT", b"ID"))[0]
    assert resp2.client_kill_filter(_id=number) == 1
    assert link.rest() == []
    with pytest.raises(redis.ResponseError):
        resp2.execute_command("CLIENT", "KILL", "1.2.3.4:5")


def test_acknowledged_writes_survive_kill(serve):
    server = serve()
    acknowledged = 0
    for round_ in range(3):
        link = server.connect()
        link.send(b"".join(pack(b"SET", b"%d:%d" % (round_, i), b"v") for i in range(20_000)))
        link.read(5_000 * (round_ + 1))
        server.end(9)
        got = 5_000 * (round_ + 1) + sum(1 for reply in link.rest() if reply == b"OK")
        acknowledged += got
        server.start()
        client = server.redis()
        with client.pipeline(transaction=False) as pipe:
            for i in range(got):
                pipe.exists(f"{round_}:{i}")
            assert sum(pipe.execute()) == got
    assert acknowledged >= 30_000
