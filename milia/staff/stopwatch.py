"""How long each step of a turn took: a hook on the model's graph that does nothing unless somebody of the staff looks."""

from __future__ import annotations

import contextvars
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from rasa.engine.graph import ExecutionContext, GraphNodeHook

UNDERSTANDING, DECIDING, ANSWERING, OTHER = "understanding", "deciding", "answering", "other"
_POLICY = re.compile(r"Policy|select_prediction")
_PLUMBING = re.compile(r"provide|finetuning|__|^nlu_message_converter$|rule_only")


@dataclass(frozen=True)
class Step:
    """One step: its name, what it is part of, and its time in milliseconds."""

    name: str
    kind: str
    milliseconds: float


_steps: contextvars.ContextVar[list[Step] | None] = contextvars.ContextVar("milia_staff_steps", default=None)


class Stopwatch(GraphNodeHook):
    """Times the nodes of a graph for whoever is `recording`."""

    def on_before_node(
        self, node_name: str, execution_context: ExecutionContext, config: dict[str, Any], received_inputs: dict[str, Any]
    ) -> dict[str, Any]:
        """Note the time."""
        return {"start": time.perf_counter()} if _steps.get() is not None else {}

    def on_after_node(
        self,
        node_name: str,
        execution_context: ExecutionContext,
        config: dict[str, Any],
        output: Any,
        input_hook_data: dict[str, Any],
    ) -> None:
        """Note the step."""
        steps = _steps.get()
        if steps is not None and "start" in input_hook_data:
            steps.append(_step(node_name, (time.perf_counter() - input_hook_data["start"]) * 1000))


def _step(node: str, milliseconds: float) -> Step:
    name = re.sub(r"\d+$", "", node.removeprefix("run_").rpartition(".")[2])
    kind = DECIDING if _POLICY.search(name) else OTHER if _PLUMBING.search(name) else UNDERSTANDING
    return Step(name, kind, milliseconds)


def note(name: str, kind: str, milliseconds: float) -> None:
    """Add a step that is no node of the graph."""
    steps = _steps.get()
    if steps is not None:
        steps.append(Step(name, kind, milliseconds))


@contextmanager
def recording() -> Iterator[list[Step]]:
    """Collect the steps of what runs within."""
    token = _steps.set([])
    try:
        steps = _steps.get()
        assert steps is not None
        yield steps
    finally:
        _steps.reset(token)


def attach(graph_runner: Any) -> None:
    """Put the stopwatch on the nodes of a model's graph, once."""
    for node in graph_runner._instantiated_nodes.values():
        if not any(isinstance(hook, Stopwatch) for hook in node._hooks):
            node._hooks.append(Stopwatch())


def summed(steps: list[Step]) -> list[dict[str, Any]]:
    """Return the steps as the X-ray shows them: the same one together, plumbing as one."""
    total: dict[tuple[str, str], float] = {}
    for step in steps:
        key = ("other", OTHER) if step.kind == OTHER else (step.name, step.kind)
        total[key] = total.get(key, 0.0) + step.milliseconds
    return [{"name": name, "kind": kind, "ms": round(ms, 2)} for (name, kind), ms in total.items()]
