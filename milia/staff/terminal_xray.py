"""The X-ray of a turn as lines of text, for those who prefer the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_BAR = 20


def lines(turn: Mapping[str, Any]) -> Iterator[str]:
    """Yield the X-ray of a turn (`milia.staff.xray.xray`) line by line."""
    yield f"> {turn['user']['text']}"
    for reply in turn["replies"]:
        for sentence in reply["sentences"]:
            facts = ", ".join(fact["id"] for fact in sentence["facts"])
            yield f"  {sentence['text']}"
            yield f"      [{sentence['kind']}{': ' + facts if facts else ''}{'; ' + sentence['place'] if sentence['place'] else ''}]"
        if reply["buttons"]:
            yield f"  buttons: {' | '.join(button['title'] for button in reply['buttons'])}"
    yield ""
    yield f"Why      {turn['why']}"
    yield from _understood(turn["understood"])
    for sign in turn["signs"]["present"]:
        yield f"Sign     {sign['title']} ({sign['id']}, {sign['level']}): {sign['because']}"
    for mark in turn["signs"]["marks"]:
        if mark["kind"] in ("sign", "part") and mark["status"] != "present":
            cues = ", ".join(f"{cue['kind']} by '{cue['text']}'" for cue in mark["cues"])
            yield f"         '{mark['text']}' ({mark['title']}) does not count: {mark['status'].replace('_', ' ')}{', ' + cues if cues else ''}"
    yield f"Level    {turn['level']['before']} -> {turn['level']['after']}: {' '.join(turn['level']['why'])}"
    for action in turn["actions"]:
        yield f"Action   {action['action']} by {action['policy']}: {action['why']}"
    for slot in turn["slots"]:
        if slot["changed"]:
            yield f"Slot     {slot['name']}: {slot['before']!r} -> {slot['after']!r}"
    steps = sorted(turn["steps"], key=lambda step: -float(step["ms"]))
    if steps:
        yield f"Time     {turn['total_ms']:.1f} ms: {_steps(steps[:6])}"


def _steps(steps: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(f"{one['name']} {one['ms']:.1f}" for one in steps)


def _understood(understood: Mapping[str, Any]) -> Iterator[str]:
    for score in understood["scores"]:
        bar = "#" * round(score["score"] * _BAR)
        yield f"Topic    {bar:<{_BAR}} {score['score']:.2f} {score['label']}{' *' if score['chosen'] else ''}"
    for entity in understood["entities"]:
        yield f"Entity   {entity['entity']}={entity['value']} '{entity['text']}' at {entity['start']}-{entity['end']}"
    if understood["theme"]:
        theme = understood["theme"]
        yield f"Theme    {theme['similarity']:.2f} {theme['id']}: {theme['title']}"
