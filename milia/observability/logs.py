"""The log of a server: one line an event, JSON for machines or text for a person, by `MILIA_LOG_FORMAT` and `MILIA_LOG_LEVEL`.

All loggers, Rasa's, Sanic's and those of warnings too, end in one handler, whose lines go through `log_privacy`.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Mapping
from typing import Any, TextIO

import structlog
from sanic.log import LOGGING_CONFIG_DEFAULTS

from milia.observability.log_privacy import Privacy
from milia.observability.metrics import LOG_RECORDS

FORMAT, LEVEL = "MILIA_LOG_FORMAT", "MILIA_LOG_LEVEL"
FORMATS = ("json", "text")
LEVELS = ("debug", "info", "warning", "error")
# Libraries that tell of every connection and every job; below a warning nobody needs that.
_QUIET = (
    "apscheduler", "asyncio", "aio_pika", "aiormq", "alembic", "h5py", "matplotlib", "numba", "opentelemetry", "pika", "sanic",
    "spacy", "tensorflow", "urllib3",
)  # fmt: skip
LOGGERS_OF_SANIC = ("sanic.root", "sanic.error", "sanic.access")


class LogSettingError(ValueError):
    """A setting of the log that is not allowed: names it, its value, and what is."""


def format_of(environment: Mapping[str, str]) -> str:
    """Return the form of the lines: JSON in production, text elsewhere, unless `MILIA_LOG_FORMAT` says otherwise.

    Raises:
        LogSettingError: It says something else.
    """
    usual = "json" if environment.get("MILIA_ENV", "").strip().lower() == "production" else "text"
    return _one_of(FORMAT, environment, FORMATS, usual)


def level_of(environment: Mapping[str, str]) -> str:
    """Return the level from which on lines are written.

    Raises:
        LogSettingError: `MILIA_LOG_LEVEL` is none.
    """
    return _one_of(LEVEL, environment, LEVELS, "info")


class _Counted(logging.StreamHandler):  # type: ignore[type-arg]  # not subscriptable at run time in 3.10
    """Counts warnings and worse, by level.

    Args:
        stream: where lines go.
        privacy: the filter of its lines.
    """

    def __init__(self, stream: TextIO, privacy: Privacy) -> None:
        super().__init__(stream)
        self.privacy = privacy

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line."""
        if record.levelno >= logging.WARNING:
            LOG_RECORDS.labels(record.levelname.lower()).inc()
        super().emit(record)


def configure(environment: Mapping[str, str] | None = None, stream: TextIO | None = None) -> Privacy:
    """Send all lines of this process through one handler.

    Args:
        environment: the settings; those of this process if None.
        stream: where lines go; standard output if None.

    Returns:
        The privacy filter: set `serving` once people are served.

    Raises:
        LogSettingError: A setting is not allowed.
    """
    environment = os.environ if environment is None else environment
    level, form = level_of(environment).upper(), format_of(environment)
    privacy = Privacy.from_environment()
    shared: list[Any] = [structlog.stdlib.add_log_level, structlog.processors.TimeStamper(fmt="iso", utc=True)]
    renderer: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=False, pad_event=0, exception_formatter=structlog.dev.plain_traceback, sort_keys=False)
    )
    handler = _Counted(stream or sys.stdout, privacy)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=[privacy, renderer]))
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=stream is None,
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    # An app that is made later would set these anew, with a line for each request: its address, and who sent it.
    for part in ("loggers", "handlers", "formatters"):
        LOGGING_CONFIG_DEFAULTS[part] = {}
    for name in LOGGERS_OF_SANIC:
        one = logging.getLogger(name)
        one.handlers.clear()
        one.propagate = True
        one.setLevel(logging.NOTSET)
    logging.getLogger("rasa").setLevel(level)
    # Old libraries warn about each other at every start; kept out of the way here rather than on standard error.
    logging.captureWarnings(True)
    logging.getLogger("py.warnings").setLevel(logging.ERROR)
    threading.excepthook = _thread_failed
    return privacy


def people_are_served() -> None:
    """Keep, from now on, of other libraries' lines only where they come from (`log_privacy`)."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, _Counted):
            handler.privacy.serving = True


def keep_configured(modules: Mapping[Any, tuple[str, ...]]) -> None:
    """Take the functions out of use by which Rasa sets up logging of its own, with lines that quote messages.

    Args:
        modules: each module with the names of its functions.
    """
    for module, names in modules.items():
        for name in names:
            if not callable(getattr(module, name)):
                raise LogSettingError(f"{module.__name__} has no function {name!r}")
            setattr(module, name, _nothing)


def _thread_failed(arguments: threading.ExceptHookArgs) -> None:
    """Log what ended a thread; Python itself would print its text to the end of the log."""
    if arguments.exc_type is not SystemExit:
        logging.getLogger("milia.threads").error("a thread ended", exc_info=arguments.exc_value)


def _nothing(*arguments: Any, **named: Any) -> None:
    """Stand for a function that would set up logging."""


def _one_of(name: str, environment: Mapping[str, str], allowed: tuple[str, ...], usual: str) -> str:
    value = environment.get(name, "").strip().lower() or usual
    if value not in allowed:
        raise LogSettingError(f"{name}={value!r} is not allowed: {', '.join(allowed)}")
    return value


