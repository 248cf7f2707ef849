"""The changes to Rasa keep what it promises."""

from __future__ import annotations

import jsonschema
import pytest
import rasa.core.actions.action as rasa_action
from rasa.core.actions.action import RemoteAction

from milia.rasa_tuning import compile_action_schema, limit_action_time


def test_a_wrong_answer_of_the_action_server_is_still_refused(monkeypatch):
    """The compiled schema refuses what Rasa's own check refuses, and takes what it takes."""
    monkeypatch.setattr(RemoteAction, "_validate_action_result", RemoteAction._validate_action_result)
    compile_action_schema()
    action = RemoteAction("action_answer", None)
    assert action._validate_action_result({"events": [], "responses": [{"text": "hello"}]})
    with pytest.raises(jsonschema.ValidationError):
        action._validate_action_result({"events": "none", "responses": []})


def test_an_action_call_ends_after_the_time_set(monkeypatch):
    """The constant that the call reads is the one that is set."""
    monkeypatch.setattr(rasa_action, "DEFAULT_REQUEST_TIMEOUT", 300)
    limit_action_time(2.5)
    assert rasa_action.DEFAULT_REQUEST_TIMEOUT == 2.5
    with pytest.raises(ValueError, match="MILIA_ACTION_TIMEOUT is 0"):
        limit_action_time(0)
