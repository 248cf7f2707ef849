"""The platform channels against stand-ins for the platforms; loads Rasa only in tests that need it."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret for the outbox, and no proxy between this machine and itself."""
    from platform_world import SECRET

    monkeypatch.setenv("MILIA_SECRET_KEY", SECRET)
    monkeypatch.delenv("MILIA_DATA_KEY", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    monkeypatch.setenv("no_proxy", "127.0.0.1,localhost")


@pytest.fixture(params=("slack", "telegram", "messenger", "whatsapp", "sms"))
def channel(request: pytest.FixtureRequest) -> str:
    """Each platform in turn."""
    return str(request.param)
