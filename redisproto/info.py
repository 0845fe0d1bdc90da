"""INFO: one function a section. Field names are Redis' where Redis has the field."""

import os
import platform
import resource
import time

from .errors import Deferred
from .settings import memory_limit
from .version import REDIS_VERSION, RESPNET_VERSION

SECTIONS = {}  # name -> function(server) -> {field: value}
EXTRA = {"commandstats"}  # shown only when asked for
MODULES = []  # {"name": bytes, "ver": int} of command families that Redis has as modules
MODULE_SECTIONS = {}  # as SECTIONS, of modules: shown by MODULES and EVERYTHING, titles as they are


def section(function):
    """Decorator: the function's name is the section's."""
    SECTIONS[function.__name__] = function
    return function


def modules():
    return list(MODULES)


def report(server, wanted=()):
    """The text of INFO for section names (none: the usual ones; all, everything, default)."""
    names = {name.lower() for name in wanted} or {"default"}
    chosen = names & set(SECTIONS)
    if names & {"default"}:
        chosen |= set(SECTIONS) - EXTRA
    if names & {"all", "everything"}:
        chosen |= set(SECTIONS)
    blocks = [block(name, SECTIONS[name](server)) for name in SECTIONS if name in chosen]
    chosen = names | (set(MODULE_SECTIONS) if names & {"modules", "everything"} else set())
    blocks += [block(name, MODULE_SECTIONS[name](server)) for name in MODULE_SECTIONS
               if name in chosen]
    return "\r\n".join(blocks)


def block(name, fields):
    title = name if name in MODULE_SECTIONS else "CPU" if name == "cpu" else name.capitalize()
    return "".join([f"# {title}\r\n", *(f"{key}:{value}\r\n" for key, value in fields.items())])


@section
def server(server):
    uptime = int(time.time() - server.stats.started)
    return {
        "redis_version": REDIS_VERSION,
        "respnet_version": RESPNET_VERSION,
        "redis_mode": "standalone",
        "os": f"{platform.system()} {platform.release()} {platform.machine()}",
        "arch_bits": 64,
        "python_version": platform.python_version(),
        "process_id": os.getpid(),
        "tcp_port": server.config["port"],
        "server_time_usec": time.time_ns() // 1000,
        "uptime_in_seconds": uptime,
        "uptime_in_days": uptime // 86400,
    }


@section
def clients(server):
    return {
        "connected_clients": len(server.clients),
        "maxclients": server.config["maxclients"],
        "blocked_clients": Deferred.waiting(server.clients),
    }


@section
def memory(server):
    space = server.keyspace
    used = space.used + space.held
    server.stats.peak_memory = max(server.stats.peak_memory, used)
    return {
        "used_memory": used,
        "used_memory_human": human(used),
        "used_memory_rss": resident(),
        "used_memory_rss_human": human(resident()),
        "used_memory_peak": server.stats.peak_memory,
        "used_memory_peak_human": human(server.stats.peak_memory),
        "total_system_memory": memory_limit(),
        "total_system_memory_human": human(memory_limit()),
        "maxmemory": space.maxmemory,
        "maxmemory_human": human(space.maxmemory),
        "maxmemory_policy": "noeviction",
        "lazyfree_pending_objects": sum(len(entries) for entries, _ in space.garbage),
    }


@section
def persistence(server):
    if server.store is None:
        return {"loading": 0, "aof_enabled": 0}
    info = server.store.info()
    return {
        "loading": 0,
        "rdb_changes_since_last_save": info.pop("changes"),
        "rdb_last_save_time": info.pop("last_save"),
        "aof_enabled": int(info["policy"] != "off"),
        "aof_last_write_status": info.pop("status"),
        **{f"store_{name}": value for name, value in info.items()},
    }


@section
def stats(server):
    stats, space = server.stats, server.keyspace
    return {
        "total_connections_received": stats.connections,
        "total_commands_processed": stats.commands,
        "total_net_input_bytes": stats.input_bytes,
        "total_net_output_bytes": stats.output_bytes,
        "rejected_connections": stats.rejected_connections,
        "expired_keys": space.expired,
        "evicted_keys": 0,
        "keyspace_hits": space.hits,
        "keyspace_misses": space.misses,
        "total_error_replies": stats.errors,
    }


@section
def replication(server):
    return {"role": "master", "connected_slaves": 0, "master_repl_offset": 0}


@section
def cpu(server):
    own = resource.getrusage(resource.RUSAGE_SELF)
    return {"used_cpu_sys": f"{own.ru_stime:.6f}", "used_cpu_user": f"{own.ru_utime:.6f}"}


@section
def commandstats(server):
    return {
        f"cmdstat_{name}": f"calls={one.calls},usec={one.usec},"
        f"usec_per_call={one.usec / max(one.calls, 1):.2f},"
        f"rejected_calls={one.rejected},failed_calls={one.failed}"
        for name, one in server.stats.by_command.items()
    }


def module_lines(server):
    return {f"module{n}": f"name={one['name'].decode()},ver={one['ver']}"
            for n, one in enumerate(MODULES)}


SECTIONS["modules"] = module_lines  # the name modules is the list's


@section
def keyspace(server):
    now = server.keyspace.now()
    return {
        f"db{db.index}": f"keys={len(db)},expires={db.expires},avg_ttl={average_ttl(db, now)}"
        for db in server.keyspace.databases if len(db)
    }


def average_ttl(db, now):
    """Milliseconds, over the deadlines the database knows."""
    times = [at - now for at, _ in db.deadlines[:100] if at > now]
    return sum(times) // len(times) if times else 0


def human(size):
    """Bytes as Redis writes them: 991.70K."""
    for unit in ("B", "K", "M", "G"):
        if size < 1024 or unit == "G":
            return f"{size:.2f}{unit}" if unit != "B" else f"{size}B"
        size /= 1024


def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
