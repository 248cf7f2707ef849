"""Two changes to Rasa 3.6 that it has no setting for. Both are undone by not calling them.

3.6.21 is the last open-source release, so what they rest on does not move.
"""

from __future__ import annotations

from typing import Any

import rasa.core.actions.action
from rasa.core.actions.action import RemoteAction


def limit_action_time(seconds: float) -> None:
    """Let no action call hold a turn for longer.

    Rasa waits five minutes for an action server; the time is a constant of the module that makes the call.

    Args:
        seconds: total time of a call.

    Raises:
        ValueError: not a time within a minute.
    """
    if not 0 < seconds <= 60:
        raise ValueError(f"MILIA_ACTION_TIMEOUT is {seconds:g}; allowed: above 0, at most 60 seconds")
    rasa.core.actions.action.DEFAULT_REQUEST_TIMEOUT = seconds


def compile_action_schema() -> None:
    """Check the answers of the action server against a schema that is compiled once.

    Rasa checks the schema itself anew at every call, which takes longer than all else in a turn. Answers are checked as
    strictly as before.
    """
    from jsonschema.validators import validator_for

    schema = RemoteAction.action_response_format_spec()
    validator = validator_for(schema)(schema)

    def validate(self: RemoteAction, result: dict[str, Any]) -> bool:
        validator.validate(result)
        return True

    RemoteAction._validate_action_result = validate
