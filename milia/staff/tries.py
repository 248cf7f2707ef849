"""Conversations that staff try: trees of turns in this server's memory, forgotten after an hour, never stored.

A branch begins where a message is tried from an earlier turn: each turn keeps the events up to it, so going back costs
nothing.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from milia.staff.problems import Problem
from milia.staff.texts import texts
from milia.staff.trial import TrialProcessor

KEPT_SECONDS = 3600.0
MOST_TRIES, MOST_OF_ONE_USER, MOST_TURNS = 200, 20, 300


@dataclass(frozen=True)
class Node:
    """One turn of the tree: what led to it, the events up to it, its X-ray and the buttons that it offers."""

    id: str
    parent: Node | None
    user: Mapping[str, str]
    events: Sequence[Any]
    turn: dict[str, Any]
    buttons: Sequence[Mapping[str, str]]

    @property
    def path(self) -> list[Node]:
        """The turns from the first one to this one."""
        before = self.parent.path if self.parent else []
        return [*before, self]


@dataclass
class Try:
    """One conversation of somebody's own."""

    id: str
    user: str
    scene: str | None
    used_at: float
    nodes: dict[str, Node] = field(default_factory=dict)
    scene_end: str | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def to_dict(self) -> dict[str, Any]:
        """Return it as the contract describes it."""
        return {"id": self.id, "scene": self.scene, "turns": [node.turn for node in self.nodes.values()]}


class Tries:
    """All tried conversations of this server.

    Args:
        processor: gives the model that runs now.
        explain: makes the X-ray of a tried turn: turn, number, title of the pressed button.
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        processor: Callable[[], TrialProcessor],
        explain: Callable[[Any, int, str], dict[str, Any]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._processor, self._explain, self._clock = processor, explain, clock
        self._tries: OrderedDict[str, Try] = OrderedDict()

    async def start(self, user: str, scene: str | None) -> Try:
        """Begin a conversation, with a scene set up in it.

        Raises:
            Problem: There is no such scene.
        """
        scenes = texts()["scenes"]
        if scene is not None and scene not in scenes:
            raise Problem("malformed", faults=[f"scene: unknown value {scene!r}; allowed: {', '.join(scenes)}"])
        self._forget(user)
        made = Try(secrets.token_urlsafe(9), user, scene, self._clock())
        for text in scenes[scene]["turns"] if scene else ():
            node = await self._take(made, list(made.nodes.values())[-1] if made.nodes else None, {"user": text}, True)
            made.scene_end = node.id
        self._tries[made.id] = made
        return made

    def get(self, name: str, user: str) -> Try:
        """Return one's own conversation.

        Raises:
            Problem: It is forgotten, or somebody else's.
        """
        found = self._tries.get(name)
        if found is None or found.user != user or found.used_at < self._clock() - KEPT_SECONDS:
            raise Problem("try-gone")
        found.used_at = self._clock()
        self._tries.move_to_end(name)
        return found

    def node(self, name: str, user: str, turn: str | None) -> Node:
        """Return a turn, the latest one if none is named.

        Raises:
            Problem: There is none.
        """
        found = self.get(name, user)
        if not found.nodes:
            raise Problem("not-found")
        node = found.nodes.get(turn) if turn is not None else list(found.nodes.values())[-1]
        if node is None:
            raise Problem("not-found")
        return node

    def drop(self, name: str, user: str) -> None:
        """Forget a conversation.

        Raises:
            Problem: It is forgotten already, or somebody else's.
        """
        self.get(name, user)
        del self._tries[name]

    async def say(self, name: str, user: str, message: Mapping[str, str], after: str | None, latest: bool) -> Node:
        """Take a message: `{"user": text}` or `{"press": payload}`, after a turn (None: the beginning) or the latest one.

        Raises:
            Problem: There is no such turn or button, or the conversation is full.
        """
        found = self.get(name, user)
        async with found.lock:
            if len(found.nodes) >= MOST_TURNS:
                raise Problem("not-allowed-here", reason=f"a tried conversation has {MOST_TURNS} turns at most")
            if latest:
                parent = list(found.nodes.values())[-1] if found.nodes else None
            elif after is None:
                parent = found.nodes.get(found.scene_end or "")
            else:
                parent = found.nodes.get(after)
                if parent is None:
                    raise Problem("not-found")
            return await self._take(found, parent, message, False)

    async def _take(self, made: Try, parent: Node | None, message: Mapping[str, str], scene: bool) -> Node:
        title = ""
        if "press" in message:
            offered = {one["payload"]: one["title"] for one in (parent.buttons if parent else ())}
            if message["press"] not in offered:
                raise Problem("not-offered")
            title = offered[message["press"]]
        text = message.get("press") or message["user"]
        number = len(parent.path) if parent else 0
        turn = await self._processor().take(f"staff-{made.id}", parent.events if parent else [], text, bool(title))
        identifier = f"t{len(made.nodes) + 1}"
        xray = self._explain(turn, number, title)
        xray |= {"id": identifier, "parent": parent.id if parent else None, "scene": scene}
        buttons = [one for reply in xray["replies"] for one in reply["buttons"]]
        node = Node(identifier, parent, {"press": title} if title else message, turn.events, xray, buttons)
        made.nodes[identifier] = node
        return node

    def _forget(self, user: str) -> None:
        old = self._clock() - KEPT_SECONDS
        for name in [one.id for one in self._tries.values() if one.used_at < old]:
            del self._tries[name]
        mine = [one.id for one in self._tries.values() if one.user == user]
        for name in mine[: max(0, len(mine) - MOST_OF_ONE_USER + 1)]:
            del self._tries[name]
        while len(self._tries) >= MOST_TRIES:
            self._tries.popitem(last=False)
