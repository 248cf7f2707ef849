"""Which platform channels start: those whose keys are in the environment, each by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from milia.channels.platform_settings import PLATFORMS, PlatformKeys, Problem, problems_of, wanted


def platform_credentials(environ: Mapping[str, str]) -> tuple[dict[str, Any], list[Problem]]:
    """Return the platform channels to start.

    Args:
        environ: the environment; the channels read their keys from it themselves.

    Returns:
        Entries for Rasa's credentials file: class paths, without any key. And what keeps channels off that are set up in
        part.
    """
    entries: dict[str, Any] = {}
    problems: list[Problem] = []
    for needs in PLATFORMS:
        if not wanted(needs, environ):
            continue
        found = problems_of(needs, environ)
        problems += found
        if not found:
            entries[needs.path] = None
    return entries, problems


def enabled(environ: Mapping[str, str]) -> list[PlatformKeys]:
    """Return the platforms whose channels start."""
    return [needs for needs in PLATFORMS if wanted(needs, environ) and not problems_of(needs, environ)]


def platform_titles(environ: Mapping[str, str]) -> list[str]:
    """Return the platforms whose channels start, as people call them."""
    return [needs.title for needs in enabled(environ)]
