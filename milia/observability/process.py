"""Prepares a server's process before Rasa or rasa_sdk starts in it: the log, and for the action server all else too."""

from __future__ import annotations

import os

from milia.observability import logs


def prepare(module: str) -> None:
    """Set up the log of a server, so that nothing else does; the Rasa server's pages come with its credentials file.

    Args:
        module: `rasa` or `rasa_sdk`; any other is left alone.

    Raises:
        ValueError: A setting is not allowed.
        TracingError: Traces are asked for, and their packages are not installed.
    """
    if module == "rasa":
        os.environ.setdefault("RASA_TELEMETRY_ENABLED", "false")  # Rasa's own default tells others, of errors too
        logs.configure()
        import rasa.core.utils
        import rasa.utils.common
        import rasa.utils.io
        import rasa.utils.log_utils

        logs.keep_configured(
            {
                rasa.utils.common: ("configure_logging_and_warnings", "update_sanic_log_level"),
                rasa.utils.io: ("configure_colored_logging",),
                rasa.utils.log_utils: ("configure_structlog",),
                rasa.core.utils: ("configure_file_logging",),
            }
        )
    elif module == "rasa_sdk":
        logs.configure()
        import rasa_sdk.utils

        from milia.observability.action_server import watch_action_server

        functions = ("configure_colored_logging", "configure_file_logging", "update_sanic_log_level")
        logs.keep_configured({rasa_sdk.utils: functions})
        watch_action_server()
