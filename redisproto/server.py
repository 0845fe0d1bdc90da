"""The server: builds the parts, reads the store, listens, keeps time, ends cleanly."""

import asyncio
import gc
import logging
import os
import resource
import signal
import time
from pathlib import Path

from . import fast, table
from .connection import Connection
from .core import Core
from .keyspace import Keyspace, NoStore
from .listening import is_local, listen
from .metrics_http import listen_metrics
from .monitor import monitor_line
from .stats import Stats
from .store import Store
from .values import load

log = logging.getLogger("respnet.server")

TICK = 0.1  # seconds
TICKS_A_SECOND = 10
LOADING_SLICE = 0.01  # seconds of loading between two looks at the clients
FILES_KEPT = 64  # file descriptors that are not for clients
FULL_COLLECTION = 600  # ticks between two full garbage collections,
FULL_COLLECTION_KEYS = 50_000  # as long as there are no more keys than this
GOODBYE = 2.0  # seconds for clients to take their last replies

DENIED = ("DENIED respnet is running in protected mode: no password is set and the connection "
          "does not come from this machine. Set requirepass, or connect from the loopback.")


class Server(Core):
    """``await start()``, then ``await serve_forever()`` until ``shutdown()``."""

    def __init__(self, config):
        super().__init__(config, table, Keyspace(config["databases"]), Stats())
        fast.install(table)
        self.at_stop = []  # called, in order, before the store closes
        self.listeners, self.watchers = [], []  # for clients, for Prometheus
        self.ticks = 0
        self.collect = False  # do the garbage collector's work (see run)
        self.save_at_end = True
        self.max_clients = self.password = self.protected = None
        self.follow_settings()

    def follow_settings(self):
        follow = self.config.follow
        follow("maxmemory", self.set_maxmemory)
        follow("timeout", lambda seconds: setattr(self, "idle_timeout", seconds))
        follow("frame-timeout", lambda seconds: setattr(self, "frame_timeout", seconds))
        follow("client-query-buffer-limit", self.set_query_limit)
        follow("client-output-buffer-limit", self.set_output_limits)
        follow("slowlog-log-slower-than", lambda usec: setattr(self, "slow_usec", usec))
        follow("maxclients", self.set_max_clients)
        follow("requirepass", lambda password: setattr(self, "password", password))
        follow("protected-mode", lambda on: setattr(self, "protected", on))
        follow("appendfsync", lambda policy: self.store and self.store.set_policy(policy))

    def set_maxmemory(self, size):
        self.keyspace.maxmemory = size
        self.check_gates()

    def set_query_limit(self, size):
        quarter = self.keyspace.maxmemory // 4
        self.query_limit = min(size, quarter) if quarter else size

    def set_output_limits(self, words):
        self.hard_limit, self.soft_limit, self.soft_seconds = map(int, words[1:])

    def set_max_clients(self, wanted):
        """As many as there are file descriptors for."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft != resource.RLIM_INFINITY and soft < wanted + FILES_KEPT:
            soft = wanted + FILES_KEPT if hard == resource.RLIM_INFINITY else min(
                wanted + FILES_KEPT, hard)
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        self.max_clients = min(wanted, max(1, soft - FILES_KEPT))
        if self.max_clients < wanted:
            log.warning("maxclients is %d, not %d: there are %d file descriptors",
                        self.max_clients, wanted, soft)

    # -- life

    async def start(self):
        """Listen, then read the store; clients are answered LOADING meanwhile."""
        self.loop, self.stopping = asyncio.get_running_loop(), asyncio.Event()
        self.loading = True
        try:
            self.watchers = await listen_metrics(self)
            self.listeners = await listen(lambda: Connection(self), self.config)
            if self.config["dir"]:
                await self.open_store(Path(self.config["dir"]))
        except BaseException:
            self.stop_listening()
            raise
        self.loading = False
        self.ticker = self.loop.call_later(TICK, self.tick)
        log.info("ready: %d keys", sum(map(len, self.keyspace.databases)))

    async def open_store(self, folder):
        store = Store(folder, self.config["appendfsync"], self.wake)
        pause = time.monotonic() + LOADING_SLICE
        for db, key, kind, id, generation, expire_ms, head, parts, frames in store.open(self):
            value = load(kind, head, parts)
            value.id, value.generation = id, generation
            for frame in frames:
                value.apply(*frame)
            self.keyspace.load_entry(db, key, value, expire_ms)
            if time.monotonic() > pause:
                await asyncio.sleep(0)
                pause = time.monotonic() + LOADING_SLICE
        self.keyspace.last_id = max(self.keyspace.last_id, store.next_id - 1)
        self.keyspace.store = store
        self.use_store(store)

    def wake(self):
        """The store's thread: something was committed."""
        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self.committed)

    def committed(self):
        self.on_committed()
        if self.store is not None:
            self.store.due_compactions()
            self.effects_made()

    def compact(self, id):
        """For the store: where the value with this id is, as ``put`` takes it; or None."""
        found = self.keyspace.find(id)
        if found is None:
            return None
        db, key, entry = found
        return db, key, entry.value, entry.expire_ms

    async def serve_forever(self):
        """Until ``shutdown``; then everything is ended in order."""
        await self.stopping.wait()
        await self.stop()

    def shutdown(self, save=True):
        """End soon; replies that are due still leave. Without ``save`` the store's last writes
        are committed all the same: they were acknowledged."""
        self.save_at_end = save
        self.loop.call_soon(self.stopping.set)

    async def stop(self):
        self.ticker.cancel()
        self.stop_listening()
        for function in self.at_stop:
            function()
        if self.store is not None:
            self.end_of_turn()
        for client in list(self.clients.values()):
            client.close()
        deadline = time.monotonic() + GOODBYE
        while self.clients and time.monotonic() < deadline:
            await asyncio.sleep(0.005)
        for client in list(self.clients.values()):
            client.abort("the server ends")
        if self.store is not None:
            self.close_store()
        log.info("bye")

    def close_store(self):
        store = self.store
        self.keyspace.store = NoStore()
        self.use_store(None)
        store.close()

    def stop_listening(self):
        for listener in self.listeners + self.watchers:
            listener.close()
        path = self.config["unixsocket"]
        if path and self.listeners:
            Path(path).unlink(missing_ok=True)
        self.listeners, self.watchers = [], []

    # -- clients

    def refuse_connection(self, connection):
        """The error for a new connection that is not wanted; None lets it in."""
        local = is_local(connection.addr)
        connection.authenticated = not self.password
        if len(self.clients) >= self.max_clients:
            return "ERR max number of clients reached"
        return DENIED if self.protected and not self.password and not local else None

    def feed_monitors(self, session, argv):
        line = monitor_line(session, argv)
        for monitor in list(self.monitors):
            monitor.push(line)

    # -- time

    def tick(self):
        self.ticker = self.loop.call_later(TICK, self.tick)
        self.ticks += 1
        self.keyspace.tick()
        self.effects_made()
        self.check_gates()
        if self.ticks % TICKS_A_SECOND == 0:
            now = time.monotonic()
            for client in list(self.clients.values()):
                client.check(now)
        if self.collect:
            self.collect_garbage()

    def collect_garbage(self):
        """What is young, and everything only while that is little: no pause grows with the data."""
        keys = sum(map(len, self.keyspace.databases))
        full = self.ticks % FULL_COLLECTION == 0 and keys <= FULL_COLLECTION_KEYS
        gc.collect(2 if full else 1)


def run(config, ready=None):
    """Serve until SIGTERM, SIGINT or SHUTDOWN; ``ready(server)`` is called when clients are served.

    A second signal ends the process at once."""
    gc.disable()
    try:
        start_loop(serve(config, ready))
    finally:
        gc.enable()


def start_loop(main):
    try:
        import uvloop
    except ImportError:
        asyncio.run(main)
    else:
        uvloop.run(main)


async def serve(config, ready):
    os.umask(0o077)
    server = Server(config)
    server.collect = True
    handle_signals(server)
    await server.start()
    gc.collect()
    if ready is not None:
        ready(server)
    await server.serve_forever()


def handle_signals(server):
    loop = asyncio.get_running_loop()

    def end(number):
        log.info("%s: ending", signal.Signals(number).name)
        for one in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(one)
            signal.signal(one, lambda *_: os._exit(1))
        server.shutdown()

    for one in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(one, end, one)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
