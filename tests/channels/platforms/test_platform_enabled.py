"""Which channels start by which keys, how `milia run` is told, and what `GET /health` says of them."""

from __future__ import annotations

import io
import itertools
import json
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from milia import server, training
from milia.channels.enabled import platform_credentials, platform_titles
from milia.channels.health import health_of_channels
from milia.channels.platform_health import channels_health, health_of
from milia.channels.platform_settings import PLATFORMS, platform
from milia.evaluation.platform_people import CHANNELS, KEYS, PATHS
from milia.processes import StopRequest
from milia.progress import Progress
from milia.server import Settings

ROOT = Path(__file__).resolve().parents[3]


def keys_of(*channels: str) -> dict[str, str]:
    """The settings of some channels, and no others."""
    named = [key.variable for name in channels for key in (*platform(name).keys, *platform(name).shared)]
    return {name: KEYS[name] for name in named if name in KEYS}


@pytest.mark.parametrize("channels", [c for n in range(6) for c in itertools.combinations(CHANNELS, n)], ids=", ".join)
def test_the_keys_of_a_platform_switch_it_on_and_no_other(channels: tuple[str, ...]) -> None:
    entries, problems = platform_credentials(keys_of(*channels))
    assert set(entries) == {PATHS[name] for name in channels} and not problems
    assert set(entries.values()) <= {None}, "no key is in the file"


@pytest.mark.parametrize("value", ["", "  ", "nonsense value"])
@pytest.mark.parametrize("key", [(n.channel, k.variable) for n in PLATFORMS for k in (*n.keys, *n.shared) if not k.optional])
def test_a_missing_or_malformed_key_names_itself_and_the_others_still_start(key: tuple[str, str], value: str) -> None:
    channel, variable = key
    entries, problems = platform_credentials({**KEYS, variable: value})
    own = [problem for problem in problems if problem.channel == channel]
    only = [one.variable for one in platform(channel).keys if not one.optional] == [variable]
    if only and not value.strip():
        assert not own, "no setting of its own is left: it is not wanted"
    else:
        assert [problem.variable for problem in own] == [variable]
        assert variable in str(own[0]) and platform(channel).title in str(own[0])
    assert "nonsense" not in " ".join(map(str, problems))
    assert PATHS[channel] not in entries
    hit = {needs.channel for needs in PLATFORMS if variable in {one.variable for one in (*needs.keys, *needs.shared)}}
    assert set(entries) == {PATHS[name] for name in CHANNELS if name not in hit}


@given(st.dictionaries(st.sampled_from(sorted(KEYS)), st.text(max_size=40)))
def test_whatever_the_settings_hold_a_channel_starts_or_says_why(environ: Mapping[str, str]) -> None:
    entries, problems = platform_credentials(environ)
    for needs in PLATFORMS:
        own = any(environ.get(key.variable, "").strip() for key in needs.keys)
        assert own == (needs.path in entries or any(problem.channel == needs.channel for problem in problems))


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in [*KEYS, "MILIA_TELEGRAM_BOT_NAME", "MILIA_WHATSAPP_TYPING"]:
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_milia_run_hands_rasa_the_projects_channels_and_the_platforms(tmp_path: Path, only: pytest.MonkeyPatch) -> None:
    for name, value in keys_of("slack", "sms").items():
        only.setenv(name, value)
    rasa = server.services(Settings(root=ROOT, var=tmp_path), Path("m"))[0]
    path = Path(rasa.command[rasa.command.index("--credentials") + 1])
    written = yaml.safe_load(path.read_text(encoding="utf-8"))
    own = yaml.safe_load((ROOT / "credentials.yml").read_text(encoding="utf-8"))
    assert list(written) == [*own, PATHS["slack"], PATHS["sms"]]
    assert not [value for value in KEYS.values() if value in path.read_text(encoding="utf-8")]
    assert platform_titles(keys_of("slack", "sms")) == ["Slack", "SMS"]


def test_milia_run_says_what_keeps_a_channel_off(tmp_path: Path, only: pytest.MonkeyPatch) -> None:
    only.setenv("MILIA_SLACK_BOT_TOKEN", "not-a-token")
    only.setattr(training, "content_problems", lambda root: [])
    only.setattr(server, "serve", lambda *_: None)
    for name in ("endpoints.yml", "credentials.yml"):
        (tmp_path / name).write_text("{}\n", encoding="utf-8")
    model = training.model_path(tmp_path)
    model.parent.mkdir()
    model.write_bytes(b"model")
    out = io.StringIO()
    with_ports = Settings(root=tmp_path, var=tmp_path / "var", port=0, actions_port=-1)
    only.setattr(server, "check_ports", lambda settings: None)
    server.run(with_ports, StopRequest(), Progress(5, out))
    assert "Note: Slack is off: MILIA_SLACK_BOT_TOKEN is malformed; allowed: the bot's token; it starts with xoxb-" in out.getvalue()
    assert "Note: Slack is off: MILIA_SLACK_SIGNING_SECRET is missing" in out.getvalue()
    assert "not-a-token" not in out.getvalue()


def test_the_health_page_says_what_is_on_what_is_off_and_why() -> None:
    environ = {**keys_of("telegram"), "MILIA_SLACK_BOT_TOKEN": KEYS["MILIA_SLACK_BOT_TOKEN"]}
    page = health_of_channels({"web", "rest", "health", "telegram"}, environ)
    assert page["channels"]["web"] == {"on": True} and page["channels"]["telegram"]["on"] is True
    assert page["channels"]["slack"] == {"on": False, "problems": ["MILIA_SLACK_SIGNING_SECRET"]}
    assert page["channels"]["sms"] == {"on": False}
    assert list(page["channels"]) == ["web", *CHANNELS], "channels that people write by, and no other pages"
    assert not [value for value in KEYS.values() if value in json.dumps(page)]


def test_a_failing_platform_shows_on_the_page_without_figures() -> None:
    health = health_of("slack")
    before, health.clock = health.clock, lambda: 1_000.0
    try:
        health.note_sent("retried", "429 too many requests")
        health.clock = lambda: 1_061.0
        assert "sent" in channels_health()["slack"]
        page = health_of_channels({"web", "slack"}, {})
        assert page["status"] == "failing"
        assert page["channels"]["slack"] == {"on": True, "state": "failing", "failing_for_seconds": 61, "reason": "429 too many requests"}
        health.note_sent("sent")
        assert health_of_channels({"web", "slack"}, {})["status"] == "ok"
    finally:
        health.clock = before
