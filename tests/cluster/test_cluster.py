"""The bot on several servers: any server takes any turn, and nothing that is killed, lost or slow loses, doubles or disorders one.

The length of the load is a setting: `CLUSTER_SECONDS=600 make test-cluster`.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import aio_pika
import pytest
from cluster_load import NOT_FETCHED, Load, figures
from cluster_servers import OPENER, BotServer, Cluster
from cluster_store import check

from milia.storage.event_broker import QUEUE

pytestmark = pytest.mark.cluster

SECONDS = float(os.environ.get("CLUSTER_SECONDS", "60"))
PEOPLE, PAUSE = 20, 1.0
KILL_EVERY = 5.0
BACK_SECONDS = 3.0
# While a Rasa server starts, it takes a core from everybody.
BACK_UNDER_LOAD_SECONDS = 8.0


def ask(url: str, path: str, body: Any = None, token: str = "", method: str = "") -> tuple[int, dict[str, Any]]:
    """Send one request of the web channel."""
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{url}/webhooks/web/{path}", data, headers, method=method or None)
    try:
        with OPENER.open(request, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def message(url: str, token: str, text: str = "what are milia?", name: str = "") -> tuple[int, str, float]:
    """Send a message; returns the status, the reply or the problem's sentence, and the seconds."""
    began = time.monotonic()
    status, answer = ask(url, "messages", {"id": name or uuid.uuid4().hex, "text": text}, token)
    said = "\n".join(one["text"] for one in answer["replies"]) if status == 200 else answer["detail"]
    return status, said, time.monotonic() - began


def until_answered(url: str, token: str, deadline: float = BACK_SECONDS + 5) -> float:
    """Write until the bot gives its whole answer again; returns the seconds."""
    began = time.monotonic()
    while True:
        status, said, _ = message(url, token)
        if status == 200 and NOT_FETCHED not in said:
            return time.monotonic() - began
        assert time.monotonic() - began < deadline, f"not back: {status} {said}"
        time.sleep(0.1)


@pytest.fixture
def token(cluster: Cluster) -> str:
    """A conversation that has had its first turn, and servers that are all back."""
    for service in cluster.services:
        service.wait()
    status, opened = ask(cluster.url, "conversations", {})
    assert status == 201
    until_answered(cluster.url, opened["token"], 30)
    return str(opened["token"])


def test_any_server_takes_any_turn_of_any_conversation(cluster: Cluster, token: str) -> None:
    """The guided check keeps its state in the conversation, not in a server."""
    turns = ["start the check", "an adult", "on the face", "what are milia?", "cancel", "thanks"]

    def talk(conversation: str, servers: list[BotServer]) -> list[list[str]]:
        """Say all of it; returns what was offered each time: wordings differ between conversations, questions do not."""
        offered = []
        for number, text in enumerate(turns):
            status, answer = ask(servers[number % len(servers)].url, "messages", {"id": uuid.uuid4().hex, "text": text}, conversation)
            assert status == 200, answer
            offered.append([one["title"] for reply in answer["replies"] for one in reply["buttons"]])
        return offered

    other = ask(cluster.url, "conversations", {})[1]["token"]
    message(cluster.url, other)  # as `token` had
    assert talk(token, cluster.rasa) == talk(other, cluster.rasa[:1])
    for server in cluster.rasa:
        status, history = ask(server.url, "messages", token=token)
        assert status == 200
        assert [turn["text"] for turn in history["messages"]][-len(turns) :] == turns


def test_a_server_that_starts_has_answered_before_it_listens(cluster: Cluster, token: str, report: Callable[..., None]) -> None:
    server = cluster.rasa[0]
    server.stop()
    began = time.monotonic()
    server.start()
    started = time.monotonic() - began
    status, said, seconds = message(server.url, token)
    assert status == 200, said
    report("a Rasa server's start", until_ready_s=round(started, 1), first_turn_s=round(seconds, 2))
    assert seconds < 1.5


def test_the_same_message_on_both_servers_at_once_is_one_turn(cluster: Cluster, token: str) -> None:
    async def both(name: str) -> list[tuple[int, str, float]]:
        sends = (asyncio.to_thread(message, server.url, token, "are they harmful", name) for server in cluster.rasa)
        return list(await asyncio.gather(*sends))

    for number in range(10):
        one, other = asyncio.run(both(f"same-{number:05d}-{uuid.uuid4().hex[:8]}"))
        assert one[0] == other[0] == 200 and one[1] == other[1]
    history = ask(cluster.url, "messages", token=token)[1]["messages"]
    assert sum(turn["text"] == "are they harmful" for turn in history) == 10


@pytest.mark.parametrize("path", ["/", "/health", "/health/ready", "/metrics", "/webhooks/rest/webhook", "/model", "/version", "/conversations/a/tracker"])
def test_what_belongs_inside_does_not_pass_the_proxy(cluster: Cluster, path: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        OPENER.open(f"{cluster.url}{path}", timeout=10)
    assert refused.value.code == 404


def test_one_action_server_frozen_costs_nobody_the_answer(cluster: Cluster, token: str) -> None:
    cluster.actions[0].signal(signal.SIGSTOP)
    try:
        for _ in range(10):
            status, said, seconds = message(cluster.url, token)
            assert status == 200 and NOT_FETCHED not in said and seconds < 4
    finally:
        cluster.actions[0].signal(signal.SIGCONT)


def test_all_action_servers_frozen_are_said_at_once_and_warnings_still_come(cluster: Cluster, token: str, report: Callable[..., None]) -> None:
    for server in cluster.actions:
        server.signal(signal.SIGSTOP)
    try:
        times = []
        for _ in range(12):
            status, said, seconds = message(cluster.url, token)
            assert status == 200 and NOT_FETCHED in said and "dermatology provider" in said and "emergency" in said
            times.append(seconds)
        assert max(times) < 4.5
        assert sorted(times)[6] < 0.5, "the breaker does not open"
        status, warning, _ = message(cluster.url, token, "my newborn has a temperature of 38.5")
        assert status == 200 and warning.startswith("Please get emergency help now")
    finally:
        for server in cluster.actions:
            server.signal(signal.SIGCONT)
    back = until_answered(cluster.url, token)
    report("action servers frozen", longest_s=round(max(times), 2), median_s=round(sorted(times)[6], 2), back_s=round(back, 2))
    assert back < BACK_SECONDS


@pytest.mark.parametrize("how", ["frozen", "killed", "restarted"])
def test_postgresql_away_is_said_in_words_and_it_is_back_in_three_seconds(
    cluster: Cluster, token: str, report: Callable[..., None], how: str
) -> None:
    before = len(ask(cluster.url, "messages?limit=200", token=token)[1]["messages"])
    if how == "frozen":
        cluster.postgres.freeze(True)
    elif how == "killed":
        cluster.postgres.kill()
    else:
        cluster.postgres.stop()
    try:
        times = []
        for _ in range(4):
            status, said, seconds = message(cluster.url, token)
            times.append(seconds)
            assert status == 503 and "dermatology provider" in said
    finally:
        cluster.postgres.restore()
    back = until_answered(cluster.url, token)
    report(f"PostgreSQL {how}", longest_s=round(max(times), 2), back_s=round(back, 2))
    assert back < BACK_SECONDS
    found = ask(cluster.url, "messages?limit=200", token=token)[1]["messages"]
    # A message whose answer did not come in time may have its turn all the same, once.
    assert before < len(found) <= before + 1 + len(times)
    assert len({turn["id"] for turn in found}) == len(found)


@pytest.mark.parametrize("how", ["killed", "frozen"])
@pytest.mark.parametrize("which", ["redis", "rabbit"])
def test_redis_or_rabbitmq_away_is_noticed_by_nobody(cluster: Cluster, token: str, report: Callable[..., None], which: str, how: str) -> None:
    service = getattr(cluster, which)
    service.kill() if how == "killed" else service.signal(signal.SIGSTOP)
    try:
        answers = [message(cluster.url, token) for _ in range(10)]
        assert [status for status, _, _ in answers] == [200] * 10
        assert not any(NOT_FETCHED in said for _, said, _ in answers)
    finally:
        service.start() if how == "killed" else service.signal(signal.SIGCONT)
    longest = max(seconds for _, _, seconds in answers)
    report(f"{service.name} {how}", longest_s=round(longest, 2))
    assert longest < 2.5


@dataclass
class Kill:
    """A process that was killed.

    Attributes:
        name: which.
        killed, up: when it was killed, and served again.
    """

    name: str
    killed: float
    up: float


def kill_in_turn(cluster: Cluster, seconds: float) -> Iterator[Kill]:
    """Kill something every five seconds: the dependencies and action servers in turn, and each Rasa server as often as it comes up."""
    others = [cluster.redis, cluster.actions[0], cluster.rabbit, None, cluster.actions[1], cluster.nginx]
    starting: dict[int, float] = {}
    next_rasa, turn = 0, 0
    end = time.monotonic() + seconds
    while time.monotonic() < end or starting or next_rasa < 2:
        began = time.monotonic()
        for place, killed in list(starting.items()):
            if cluster.rasa[place]._up():
                del starting[place]
                yield Kill(f"rasa-{place + 1}", killed, time.monotonic())
        assert all(began - killed < BotServer.patience for killed in starting.values()), "a Rasa server does not come back"
        if not starting and (time.monotonic() < end or next_rasa < 2):
            place = next_rasa % 2
            cluster.rasa[place].kill()
            cluster.rasa[place].start(wait=False)
            starting[place] = began
            next_rasa += 1
        elif time.monotonic() < end:
            service = others[turn % len(others)]
            turn += 1
            if service is None:
                cluster.postgres.kill()
                cluster.postgres.start()
            else:
                service.kill()
                service.start()
            yield Kill(service.name if service else "PostgreSQL", began, time.monotonic())
        time.sleep(max(0.0, KILL_EVERY - (time.monotonic() - began)))


def test_kill_minus_nine_of_each_process_in_turn_under_load(cluster: Cluster, token: str, report: Callable[..., None]) -> None:
    load = Load(cluster.url, PEOPLE, PAUSE, prefix=f"kill{uuid.uuid4().hex[:6]}")
    load.start()
    time.sleep(2)
    kills = list(kill_in_turn(cluster, SECONDS))
    time.sleep(BACK_SECONDS)
    load.stop()
    found = check(cluster.database, load.people, load.prefix)
    turns = load.turns
    back: dict[str, float] = {}
    for kill in kills:
        first = next((one for one in turns if one.at - one.seconds > kill.killed and one.at > kill.up - 0.01 and one.full), None)
        assert first is not None, f"nobody was answered after {kill.name} was back"
        back[kill.name] = max(back.get(kill.name, 0.0), round(first.at - kill.up, 2))
    gaps = [after.at - before.at for before, after in zip(turns, turns[1:])]
    published = asyncio.run(_published(cluster.rabbit.url, load.prefix))
    report(
        f"kill -9 for {SECONDS:.0f} s",
        kills=len(kills), acknowledged=found.acknowledged, lost=len(found.lost), doubled=len(found.doubled),
        in_another_order_or_half=len(found.broken), reply_changed=len(found.changed), stored=found.stored,
        longest_silence_s=round(max(gaps), 2), back_s=back, problems=dict(load.problems), events=found.events, published=published,
        **figures(turns),
    )  # fmt: skip
    assert {kill.name for kill in kills} >= {"Redis", "RabbitMQ", "PostgreSQL", "nginx", "rasa-1", "rasa-2", "actions-1", "actions-2"} or SECONDS < 40
    assert found.lost == [] and found.doubled == [] and found.broken == [] and found.changed == []
    # What was stored and not acknowledged is at most the message that each was about to send.
    assert found.stored - found.acknowledged <= PEOPLE
    assert all(len(person.turns) > 10 for person in load.people), "a conversation did not go on"
    assert max(back.values()) < BACK_UNDER_LOAD_SECONDS


async def _published(url: str, prefix: str) -> int:
    """Count the stored user messages that reached RabbitMQ, each once."""
    connection = await aio_pika.connect(url)
    async with connection:
        channel = await connection.channel()
        queue = await channel.declare_queue(QUEUE, durable=True)
        seen = set()
        while (one := await queue.get(no_ack=True, fail=False)) is not None:
            event = json.loads(one.body)
            if event.get("event") == "user" and str(event.get("message_id", "")).startswith(prefix):
                seen.add(event["message_id"])
        return len(seen)
