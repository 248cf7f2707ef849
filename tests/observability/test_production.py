"""`MILIA_ENV=production` starts with no unsafe setting, and tells all of them at once, in `milia run` and in the server itself."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import pytest

from milia import server
from milia.channels.web_settings import SettingError
from milia.observability.door import OperatorPages
from milia.processes import CommandError
from milia.production import require_safe, unsafe_settings

SECRET = "9f3c7a1e5b8d2460aa11ee77cc33bb559f3c7a1e5b8d2460"
OTHER = "4c1d90be72af38e6d5b4a3928170f6ec"
SAFE = {"MILIA_ENV": "production", "MILIA_SECRET_KEY": SECRET}
QUIET = {"RASA_TELEMETRY_ENABLED": "false"}
DATABASE = {"DATABASE_URL": "postgresql://milia:x@db/milia"}

UNSAFE = [
    ({"MILIA_SECRET_KEY": ""}, "MILIA_SECRET_KEY is not set"),
    ({"MILIA_SECRET_KEY": "abc123"}, "MILIA_SECRET_KEY has 6 bytes"),
    ({"MILIA_SECRET_KEY": "ab" * 20}, "2 of them different"),
    ({"MILIA_SECRET_KEY": "change-me-change-me-change-me-change-me"}, "MILIA_SECRET_KEY is a placeholder"),
    ({"MILIA_SECRET_KEY": "0123456789abcdef0123456789abcdef"[::-1] + "12345678"}, "MILIA_SECRET_KEY is a placeholder"),
    ({"MILIA_API_TOKEN": "a" * 30}, "MILIA_API_TOKEN is a placeholder"),
    ({"MILIA_API_TOKEN": OTHER[:18]}, "MILIA_API_TOKEN has 18 characters"),
    ({"MILIA_REST_KEY": OTHER[:10]}, "MILIA_REST_KEY has 10 characters"),
    ({"MILIA_REST_KEY": OTHER, "MILIA_METRICS_KEY": OTHER}, "MILIA_REST_KEY and MILIA_METRICS_KEY are the same"),
    ({"MILIA_METRICS": "on"}, "MILIA_METRICS=on without MILIA_METRICS_KEY"),
    ({"MILIA_METRICS_KEY": OTHER[:9]}, "MILIA_METRICS_KEY has 9 characters"),
    ({"MILIA_WEB_ORIGINS": "*"}, "MILIA_WEB_ORIGINS has a *"),
    ({"MILIA_WEB_ORIGINS": "https://a.example, *"}, "MILIA_WEB_ORIGINS has a *"),
    ({"MILIA_WEB_ORIGINS": "http://www.example.org"}, "http://www.example.org is not https"),
    ({"MILIA_WEB_RATE": "many"}, "MILIA_WEB_RATE='many' is not allowed"),
    ({"MILIA_TRUSTED_PROXIES": "0.0.0.0/0"}, "trusts everybody (0.0.0.0/0)"),
    ({"MILIA_TRUSTED_PROXIES": "::/0"}, "trusts everybody (::/0)"),
    ({"SANIC_WORKERS": "4"}, "SANIC_WORKERS=4 with SQLite"),
    ({"RASA_TELEMETRY_ENABLED": "TRUE"}, "RASA_TELEMETRY_ENABLED"),
    ({"MILIA_LOG_LEVEL": "debug"}, "MILIA_LOG_LEVEL=debug"),
    ({"MILIA_LOG_LEVEL": "loud"}, "MILIA_LOG_LEVEL='loud' is not allowed"),
    ({"LOG_LEVEL": "debug"}, "Rasa's debug log is on"),
    ({"MILIA_PUBLIC_URL": "http://bot.example.org"}, "MILIA_PUBLIC_URL is not https"),
    ({"MILIA_SLACK_API": "http://127.0.0.1:9000"}, "MILIA_SLACK_API is not https"),
]
ARGUMENTS = [
    (["run", "--enable-api"], "--enable-api"),
    (["run", "--cors", "*"], "--cors *"),
    (["run", "--debug"], "debug log is on"),
    (["run", "-vv"], "debug log is on"),
]


def test_safe_settings_start() -> None:
    assert unsafe_settings(SAFE) == []
    full = SAFE | QUIET | DATABASE | {
        "MILIA_API_TOKEN": OTHER, "MILIA_REST_KEY": OTHER[::-1], "MILIA_METRICS_KEY": OTHER[4:] + "77e1", "SANIC_WORKERS": "4",
        "MILIA_WEB_ORIGINS": "https://www.example.org, http://localhost:8080", "MILIA_TRUSTED_PROXIES": "10.0.0.0/8",
        "MILIA_PUBLIC_URL": "https://bot.example.org", "MILIA_LOG_LEVEL": "warning",
    }  # fmt: skip
    require_safe(full, ["rasa", "run", "--enable-api", "--auth-token", OTHER])


@pytest.mark.parametrize(("change", "problem"), UNSAFE)
def test_each_unsafe_setting_is_refused_by_its_name_and_not_its_value(change: dict[str, str], problem: str) -> None:
    environment = SAFE | change
    (found,) = [one for one in unsafe_settings(environment) if problem in one]
    assert len(unsafe_settings(environment)) == 1, "told once"
    with pytest.raises(SettingError, match="refuses 1 unsafe setting"):
        require_safe(environment)
    for name in ("MILIA_SECRET_KEY", "MILIA_API_TOKEN", "MILIA_REST_KEY"):
        assert not change.get(name) or change[name] not in found


@pytest.mark.parametrize(("arguments", "problem"), ARGUMENTS)
def test_each_unsafe_argument_is_refused(arguments: list[str], problem: str) -> None:
    (found,) = unsafe_settings(SAFE | QUIET, arguments)
    assert problem in found
    assert len(unsafe_settings(SAFE, arguments)) == 2, "unset, Rasa's telemetry is on"


def test_all_are_told_at_once() -> None:
    together = SAFE | {"MILIA_WEB_ORIGINS": "*", "MILIA_LOG_LEVEL": "debug", "SANIC_WORKERS": "2", "MILIA_METRICS": "on", "MILIA_SECRET_KEY": "x"}
    with pytest.raises(SettingError) as caught:
        require_safe(together)
    said = str(caught.value)
    assert said.startswith("MILIA_ENV=production refuses 5 unsafe settings:")
    assert said.count("\n  - ") == 5


def test_outside_of_production_nothing_is_refused_and_a_misspelt_production_is() -> None:
    for environment in ({}, {"MILIA_ENV": ""}, {"MILIA_ENV": "development", "MILIA_LOG_LEVEL": "debug"}):
        require_safe(environment)
    for said in ("prod", "productoin", "live"):
        with pytest.raises(SettingError, match="allowed: production, development"):
            require_safe({"MILIA_ENV": said})
    with pytest.raises(SettingError, match="refuses"):
        require_safe({"MILIA_ENV": " Production "})


def test_a_file_of_settings_that_others_can_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("", encoding="utf-8")
    file.chmod(0o644)
    (found,) = unsafe_settings(SAFE, (), file)
    assert "chmod 600" in found
    file.chmod(0o600)
    assert unsafe_settings(SAFE, (), file) == []


def arguments() -> argparse.Namespace:
    return argparse.Namespace(host=None, port=None, actions_port=None, no_train=True)


def test_milia_run_refuses_before_it_starts_anything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("MILIA_ENV=production\nMILIA_WEB_ORIGINS=*\n", encoding="utf-8")
    for name in ("MILIA_ENV", "MILIA_WEB_ORIGINS", "MILIA_SECRET_KEY"):
        monkeypatch.setenv(name, "")  # so that what the file sets is taken back afterwards
        monkeypatch.delenv(name)
    with pytest.raises(CommandError) as caught:
        server.read_settings(arguments(), tmp_path)
    for part in ("MILIA_SECRET_KEY is not set", "MILIA_WEB_ORIGINS has a *", "chmod 600"):
        assert part in str(caught.value)
    assert list(tmp_path.iterdir()) == [tmp_path / ".env"]


def test_milia_run_refuses_a_wrong_setting_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("MILIA_LOG_FORMAT", "xml"), ("MILIA_METRICS", "open"), ("MILIA_ENV", "prod")):
        with monkeypatch.context() as patch:
            patch.setenv(name, value)
            with pytest.raises(CommandError, match=name):
                server.read_settings(arguments(), tmp_path)


def test_the_server_itself_refuses_however_it_was_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rasa makes the channels of credentials.yml before it listens."""
    monkeypatch.setenv("MILIA_ENV", "production")
    monkeypatch.setenv("MILIA_SECRET_KEY", SECRET)
    monkeypatch.setenv("RASA_TELEMETRY_ENABLED", "false")
    monkeypatch.setattr(sys, "argv", ["rasa", "run", "--enable-api"])
    with pytest.raises(SettingError, match="--enable-api"):
        OperatorPages.from_credentials(None)
