"""What must not be when people outside are served (`MILIA_ENV=production`): all of it in one place, and told all at once.

`milia run` asks before it starts anything, and the Rasa server itself when its channels are made, however it was started.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from urllib.parse import urlsplit

from milia.channels.keys import SECRET, Keys, SecretError
from milia.channels.web_settings import PRODUCTION, SettingError, WebSettings, in_production
from milia.environment import is_loopback
from milia.launch import TOKEN
from milia.observability.access import METRICS, METRICS_KEY, MIN_KEY_LENGTH, MetricsAccess, MetricsSettingError
from milia.observability.logs import LEVEL, LogSettingError, format_of, level_of
from milia.storage.settings import database_url

ENV = "MILIA_ENV"
ENVIRONMENTS = (PRODUCTION, "development")
REST_KEY = "MILIA_REST_KEY"
# Secrets that whoever runs the bot makes up; the platforms' own are checked by `platform_settings`.
_OWN_SECRETS = (SECRET, TOKEN, REST_KEY, METRICS_KEY, "MILIA_TELEGRAM_WEBHOOK_SECRET", "MILIA_MESSENGER_VERIFY_TOKEN")
_PLATFORM_APIS = ("MILIA_SLACK_API", "MILIA_TELEGRAM_API", "MILIA_MESSENGER_API", "MILIA_TWILIO_API", "MILIA_TWILIO_MESSAGING_API")
# Words of secrets that were never made; and rows of the keyboard, and counting up.
_PLACEHOLDER = re.compile(
    r"change.?me|change.?this|example|placeholder|password|passw0rd|insecure|default|your.?(?:key|secret|token)|12345678|abcdefgh|qwertz|qwerty|"
    r"s3cret|secret.?key|test.?key|deadbeef",
    re.IGNORECASE,
)
_MIN_DIFFERENT = 8


def unsafe_settings(
    environment: Mapping[str, str], arguments: Sequence[str] = (), env_file: Path | None = None
) -> list[str]:
    """Return why these settings must not serve people, one sentence each; no sentence quotes a secret.

    Args:
        environment: the settings.
        arguments: of the server's command.
        env_file: the file that settings were read from.
    """
    return [
        *_secrets(environment),
        *_web(environment),
        *_api(environment, arguments),
        *_metrics(environment),
        *_storage(environment, arguments),
        *_talk(environment, arguments),
        *_addresses(environment),
        *_file(env_file),
    ]


def require_safe(environment: Mapping[str, str], arguments: Sequence[str] = (), env_file: Path | None = None) -> None:
    """Accept settings: any outside of production, safe ones in it.

    Raises:
        SettingError: `MILIA_ENV` is unknown, or in production something is unsafe; the message lists everything.
    """
    said = environment.get(ENV, "").strip().lower()
    if said and said not in ENVIRONMENTS:  # "prod" must not mean: no checks
        raise SettingError(f"{ENV}={said!r} is not allowed: {', '.join(ENVIRONMENTS)}, or empty")
    if not in_production(environment):
        return
    problems = unsafe_settings(environment, arguments, env_file)
    if problems:
        shown = "\n".join(f"  - {problem}" for problem in problems)
        raise SettingError(f"{ENV}={PRODUCTION} refuses {len(problems)} unsafe setting{'s' * (len(problems) > 1)}:\n{shown}")


def _secrets(environment: Mapping[str, str]) -> Iterator[str]:
    try:
        Keys.from_environment(environment)
    except SecretError as error:
        yield str(error)
    values = {name: value for name in _OWN_SECRETS if (value := environment.get(name, "").strip())}
    for name, value in values.items():
        if _PLACEHOLDER.search(value) or (name != SECRET and len(set(value)) < _MIN_DIFFERENT):
            yield f"{name} is a placeholder, not a secret: make one with `openssl rand -hex 32`"
    for one, other in combinations(values, 2):
        if values[one] == values[other]:
            yield f"{one} and {other} are the same: whoever has one would have both"
    for name in (TOKEN, REST_KEY):
        if 0 < len(values.get(name, "")) < MIN_KEY_LENGTH:
            yield f"{name} has {len(values[name])} characters, it needs {MIN_KEY_LENGTH}: make one with `openssl rand -hex 24`"


def _web(environment: Mapping[str, str]) -> Iterator[str]:
    origins = environment.get("MILIA_WEB_ORIGINS", "")
    if "*" in origins:
        yield "MILIA_WEB_ORIGINS has a *: any page could hold conversations in the name of its visitors; list the pages"
    try:
        settings = WebSettings.from_environment({**environment, "MILIA_WEB_ORIGINS": "" if "*" in origins else origins})
    except SettingError as error:
        yield str(error)
        return
    for origin in sorted(settings.origins):
        if origin.startswith("http://") and not is_loopback(urlsplit(origin).hostname or ""):
            yield f"MILIA_WEB_ORIGINS: {origin} is not https: what people write could be read on its way"
    for network in settings.trusted_proxies:
        if network.prefixlen == 0:
            yield f"MILIA_TRUSTED_PROXIES trusts everybody ({network}): anybody could choose the address that limits count by"


def _api(environment: Mapping[str, str], arguments: Sequence[str]) -> Iterator[str]:
    if "--enable-api" in arguments and not {"--auth-token", "-t", "--jwt-secret"} & {one.partition("=")[0] for one in arguments}:
        yield f"Rasa's HTTP API is on without a key (--enable-api): set {TOKEN}, or leave it off"
    cors = [arguments[at + 1] for at, one in enumerate(arguments[:-1]) if one == "--cors"]
    if "*" in cors or "--cors=*" in arguments:
        yield "--cors * lets any page call Rasa's own routes: leave it out; MILIA_WEB_ORIGINS is for the widget"


def _metrics(environment: Mapping[str, str]) -> Iterator[str]:
    try:
        access = MetricsAccess.from_environment(environment)
    except MetricsSettingError as error:
        yield str(error)
        return
    if access.on and not access.key:
        yield f"{METRICS}=on without {METRICS_KEY}: behind a proxy anybody could be taken for this machine; set the key"


def _storage(environment: Mapping[str, str], arguments: Sequence[str]) -> Iterator[str]:
    workers = environment.get("SANIC_WORKERS", "").strip()
    if workers not in ("", "0", "1") and database_url(environment).startswith("sqlite"):
        yield f"SANIC_WORKERS={workers} with SQLite: several workers need PostgreSQL (DATABASE_URL) and a lock store that they share"
    telemetry = environment.get("RASA_TELEMETRY_ENABLED")
    # Unset, Rasa's telemetry is on; `milia run` sets it for the servers that it starts.
    if telemetry is not None and telemetry.strip().lower() == "true" or telemetry is None and arguments:
        yield "RASA_TELEMETRY_ENABLED is not false: Rasa would tell others about this installation, its errors too"


def _talk(environment: Mapping[str, str], arguments: Sequence[str]) -> Iterator[str]:
    try:
        format_of(environment)
        if level_of(environment) == "debug":
            yield f"{LEVEL}=debug: lines of libraries could quote what people write; use info"
    except LogSettingError as error:
        yield str(error)
    if environment.get("LOG_LEVEL", "").strip().upper() == "DEBUG" or {"--debug", "-vv"} & set(arguments):
        yield "Rasa's debug log is on (LOG_LEVEL=DEBUG, --debug or -vv): it quotes what people write"


def _addresses(environment: Mapping[str, str]) -> Iterator[str]:
    public = environment.get("MILIA_PUBLIC_URL", "").strip()
    if public and not public.startswith("https://"):
        yield "MILIA_PUBLIC_URL is not https: platforms would send what people write where it can be read"
    for name in _PLATFORM_APIS:
        address = environment.get(name, "").strip()
        if address and not address.startswith("https://"):
            yield f"{name} is not https: it stands for a platform in tests, and would get its key; remove it"


def _file(path: Path | None) -> Iterator[str]:
    if path is not None and path.is_file() and os.name == "posix" and path.stat().st_mode & 0o077:
        yield f"{path.name} can be read by others on this machine: run `chmod 600 {path}`"
