"""CLUSTER, as a cluster of this one server would answer: clients that route ask for the slots."""

import asyncio
import binascii
import hashlib

from ..command import Family
from ..errors import CommandError, Deferred, Verbatim
from ..grammar import integer, string

rows = Family("cluster", since="3.0.0")
cluster = rows.container("cluster", categories="", complexity="Depends on subcommand.",
                         summary="A container for cluster commands")

SLOTS = 16384
COUNTED = 5_000  # keys looked at in one turn of the loop
ALL_SLOTS = {"cluster_state": "ok", "cluster_slots_assigned": SLOTS, "cluster_slots_ok": SLOTS,
             "cluster_slots_pfail": 0, "cluster_slots_fail": 0, "cluster_known_nodes": 1,
             "cluster_size": 1, "cluster_current_epoch": 1, "cluster_my_epoch": 1}


def subcommand(name, *items, **fields):
    return cluster.command(name, *items, **{"flags": "stale", "categories": "", **fields})


def slot_of(name):
    """CRC16 of a key, or of what its first braces hold, modulo the number of slots."""
    start = name.find(b"{")
    end = name.find(b"}", start + 1)
    if start >= 0 and end > start + 1:
        name = name[start + 1 : end]
    return binascii.crc_hqx(name, 0) % SLOTS


def node_id(server):
    """40 hexadecimal digits, the same after a restart."""
    place = f"{server.config['dir']} {server.config['port']}"
    return hashlib.sha1(place.encode(), usedforsecurity=False).hexdigest()


def own_address(session):
    """(host, port) that the client has connected to."""
    host, colon, port = session.laddr.rpartition(":")
    return (host.strip("[]"), int(port)) if colon and port.isdigit() else ("127.0.0.1", 0)


@subcommand("info", reply=Verbatim, summary="The state of the cluster, which is this server")
def info(session, request):
    return Verbatim("".join(f"{name}:{value}\r\n" for name, value in ALL_SLOTS.items()).encode())


@subcommand("myid", reply=bytes, summary="The id of this server")
def myid(session, request):
    return node_id(session.server).encode()


@subcommand("slots", reply=list, summary="Who serves which slots: this server serves all")
def slots(session, request):
    host, port = own_address(session)
    return [[0, SLOTS - 1, [host.encode(), port, node_id(session.server).encode(), []]]]


@subcommand("nodes", reply=Verbatim, summary="The servers of the cluster, a line each")
def nodes(session, request):
    host, port = own_address(session)
    line = (f"{node_id(session.server)} {host}:{port}@{port} myself,master - 0 0 1 connected "
            f"0-{SLOTS - 1}\n")
    return Verbatim(line.encode())


@subcommand("keyslot", string("key"), reply=int, complexity="O(N) where N is the length of the key",
            summary="The slot of a key")
def keyslot(session, request):
    return slot_of(request.key)


@subcommand("countkeysinslot", integer("slot"), reply=int,
            complexity="O(N) where N is the number of keys in database 0",
            summary="Count the keys of a slot")
def countkeysinslot(session, request):
    if not 0 <= request.slot < SLOTS:
        raise CommandError("ERR Invalid slot")
    later, db = Deferred(), session.server.keyspace[0]
    if len(db) <= COUNTED or db.space.atomic:
        return sum(slot_of(name) == request.slot for name in list(db.entries) if name in db)
    tally(session, db, request.slot, later, 0, 0)
    return later


def tally(session, db, slot, later, total, position):
    """A slice of the keys a turn of the loop; others are served in between."""
    names, position = db.scan(position, COUNTED)
    total += sum(slot_of(name) == slot for name in names)
    if not position:
        later.set(total)
    elif session.id in session.server.clients:
        asyncio.get_running_loop().call_soon(tally, session, db, slot, later, total, position)
