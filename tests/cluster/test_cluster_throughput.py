"""Two Rasa servers against one in the same run: turns a second, and where the cores go. `make bench-cluster`."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

import psutil
import pytest
from cluster_load import Load
from cluster_servers import Cluster
from sqlalchemy import create_engine, text

pytestmark = [pytest.mark.benchmark, pytest.mark.cluster]

SECONDS = float(os.environ.get("CLUSTER_SECONDS", "20"))
PEOPLE = 16


def cores(cluster: Cluster) -> dict[str, float]:
    """Return the processor seconds that each kind of process has used."""
    used = {"load": sum(os.times()[:2])}
    kinds = {"rasa": cluster.rasa, "actions": cluster.actions, "nginx": [cluster.nginx], "redis": [cluster.redis], "rabbitmq": [cluster.rabbit]}
    pids = {kind: [service.pid for service in services] for kind, services in kinds.items()}
    pids["postgresql"] = [cluster.postgres._process.pid]
    for kind, roots in pids.items():
        every = [one for root in roots for one in (psutil.Process(root), *psutil.Process(root).children(recursive=True))]
        used[kind] = sum(sum(one.cpu_times()[:2]) for one in every)
    return used


def measure(cluster: Cluster, rasa: int, prefix: str) -> dict[str, Any]:
    """Load so many Rasa servers as far as they go."""
    cluster.balance(rasa)
    load = Load(cluster.url, PEOPLE, 0.0, prefix)
    load.start()
    time.sleep(3)
    before, began = cores(cluster), time.monotonic()
    time.sleep(SECONDS)
    after, ended = cores(cluster), time.monotonic()
    load.stop()
    turns = [turn for turn in load.turns if began < turn.at <= ended]
    seconds = ended - began
    spent = {kind: round((after[kind] - before[kind]) / seconds, 2) for kind in after}
    each = {kind: round(1000 * (after[kind] - before[kind]) / len(turns), 1) for kind in after}
    times = sorted(turn.seconds for turn in turns)
    return {
        "turns_a_second": round(len(turns) / seconds, 1), "p50_ms": round(1000 * times[len(times) // 2]),
        "cores": spent, "cores_in_all": round(sum(spent.values()), 2), "core_ms_a_turn": each,
    }  # fmt: skip


def memory(cluster: Cluster) -> dict[str, int]:
    """Return what each kind of process holds, in megabytes, as its own (shared pages once)."""
    found = {}
    services = [("rasa", cluster.rasa[0]), ("actions", cluster.actions[0]), ("nginx", cluster.nginx), ("redis", cluster.redis), ("rabbitmq", cluster.rabbit)]
    for name, service in services:
        every = (psutil.Process(service.pid), *psutil.Process(service.pid).children(recursive=True))
        found[name] = round(sum(one.memory_full_info().uss for one in every) / 1e6)
    return found


def stored_bytes(cluster: Cluster) -> int:
    """Return what a turn takes in PostgreSQL, indexes included."""
    engine = create_engine(cluster.database, future=True)
    try:
        with engine.connect() as connection:
            size = connection.execute(text("SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"))
            turns = connection.execute(text("SELECT count(*) FROM turn"))
            return round(float(size.scalar_one()) / int(turns.scalar_one()))
    finally:
        engine.dispose()


def test_two_rasa_servers_take_more_turns_than_one(cluster: Cluster, report: Callable[..., None]) -> None:
    for service in cluster.services:
        service.wait()
    alone = [measure(cluster, 1, "one-a"), measure(cluster, 1, "one-b")]
    both = [measure(cluster, 2, "two-a"), measure(cluster, 2, "two-b")]
    best = {"one": max(alone, key=_turns), "two": max(both, key=_turns)}
    ratio = best["two"]["turns_a_second"] / best["one"]["turns_a_second"]
    # With as many cores as wanted a server is bounded by its own core: what a turn costs the Rasa process.
    alone_bound = 1000 / best["two"]["core_ms_a_turn"]["rasa"]
    load = os.getloadavg()[0]
    report("throughput", **best, ratio=round(ratio, 2), rasa_bound_turns_a_second=round(alone_bound, 1), cores_of_this_machine=os.cpu_count(), load_average=round(load, 1))
    report("memory_mb", **memory(cluster))
    report("store", bytes_a_turn=stored_bytes(cluster))
    assert ratio > (0.9 if load < 3 else 0.5), "two servers take less than one"


def _turns(one: dict[str, Any]) -> float:
    return float(one["turns_a_second"])
