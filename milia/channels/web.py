"""The web channel: Rasa's side of it. The endpoints are in `web_api.py`, the pages in `web_pages.py`.

Named in credentials.yml as `milia.channels.web.WebChannel:`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any

from rasa.core.channels.channel import InputChannel, UserMessage
from sanic import Blueprint, Sanic
from sanic.request import Request
from sanic.response import BaseHTTPResponse, HTTPResponse

from milia.channels.keys import Keys
from milia.channels.web_api import PREFIX, Handler, Parts, WebApi, allowed
from milia.channels.web_deletion import Deletion
from milia.channels.web_feedback import Feedback
from milia.channels.web_pages import Pages
from milia.channels.web_replies import Replies
from milia.channels.web_security import API, ELSEWHERE, Origins
from milia.channels.web_settings import WebSettings
from milia.channels.web_texts import load_texts
from milia.channels.web_tokens import Tokens
from milia.channels.web_turns import CHANNEL, Stored, Turns
from milia.observability.metrics import WEB_WAITING
from milia.storage.conversations import Conversations
from milia.storage.database import shared_database
from milia.storage.settings import retention_days

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


class WebChannel(InputChannel):
    """Conversations with chat widgets over plain HTTP.

    Args:
        settings: limits and lists.
        keys: the installation's keys.
        stored: the stored conversations; those of the environment's database if None.
        feedback: keeps what people say of replies; in the same database if None.
        pages: the built widget.

    Raises:
        SecretError: `MILIA_SECRET_KEY` is missing or of no use.
        SettingError: A setting is not allowed.
    """

    def __init__(
        self,
        settings: WebSettings | None = None,
        keys: Keys | None = None,
        stored: Callable[[], Stored] | None = None,
        feedback: Callable[[str, str, bool], Awaitable[bool]] | None = None,
        pages: Pages | None = None,
    ) -> None:
        self._settings = settings or WebSettings.from_environment()
        self._keys = keys or Keys.from_environment()
        self._stored = stored or _stored
        self._feedback = feedback or _feedback
        self._pages = pages or Pages()

    @classmethod
    def name(cls) -> str:
        """Return the channel's name, as conversations and metrics have it."""
        return CHANNEL

    @classmethod
    def from_credentials(cls, credentials: Mapping[str, Any] | None) -> WebChannel:
        """Create the channel; its settings come from the environment.

        Raises:
            ValueError: credentials.yml has settings for it.
        """
        if credentials:
            raise ValueError(f"the web channel is set by MILIA_WEB_* (.env.example), not by {sorted(credentials)} in credentials.yml")
        return cls()

    def url_prefix(self) -> str:
        """Return the root: the script and the demo page are not below `/webhooks`."""
        return "/"

    def blueprint(self, on_new_message: Callable[[UserMessage], Awaitable[Any]]) -> Blueprint:
        """Return the routes."""
        blueprint = Blueprint("milia_web")
        days = retention_days()
        texts = load_texts(retention_days=days)
        deletion = Deletion(self._keys, texts.deletion)
        origins = Origins(self._settings)

        apps: list[Sanic] = []

        async def secure_all(request: Request, response: BaseHTTPResponse) -> None:
            # Methods that Sanic does not route, as TRACE, are refused before any handler.
            if response.status == 405 and request.path in api.routes:
                response.headers.setdefault("Allow", allowed(api.routes[request.path]))
            for name, value in ELSEWHERE.items():
                response.headers.setdefault(name, value)

        @blueprint.listener("before_server_start")
        async def remember(app: Sanic, _: Any) -> None:
            apps[:] = [app]
            # Last of all, and of every route: Rasa's and Sanic's own pages say nothing of how far to trust them.
            app.response_middleware.append(secure_all)
            app.error_handler.add(ValueError, refuse_broken)

        def lock(conversation: str) -> Any:
            return apps[0].ctx.agent.lock_store.lock(conversation)

        turns = Turns(on_new_message, self._stored, lock, deletion, texts.deletion, self._settings.turns)
        WEB_WAITING.set_function(lambda: turns.in_progress)
        api = WebApi(
            Parts(
                settings=self._settings,
                texts=texts,
                tokens=Tokens(self._keys, self._settings.token_hours),
                origins=origins,
                turns=turns,
                replies=Replies(texts.content, deletion),
                deletion=deletion,
                stored=self._stored,
                feedback=self._feedback,
                greeting=lambda request: greeting(request.app, texts.notice[0]),
                retention_days=days,
            )
        )
        for number, (path, methods) in enumerate(api.routes.items()):
            blueprint.add_route(_handler(api, methods), path, methods=_METHODS, stream=True, name=f"api_{number}")
        blueprint.add_route(_handler(api, {}), f"{PREFIX}/<path:path>", methods=_METHODS, stream=True, name="api_none")
        for path, page in (
            ("/widget.js", self._pages.widget),
            ("/widget/<path:path>", self._pages.widget),
            ("/demo", self._pages.demo),
            ("/demo/<path:path>", self._pages.demo),
        ):
            blueprint.add_route(_page(page), path, methods=("GET", "HEAD"), name=path.strip("/").replace("/<path:path>", "_file"))

        @blueprint.middleware("response")
        async def secure(request: Request, response: HTTPResponse) -> None:
            # Here, not in the handlers: Rasa's CORS answers preflights before they get there, without our origins.
            if request.path.startswith(PREFIX):
                drop_cors(response)
                response.headers.update({**API, **origins.headers(request)})
                if request.method == "OPTIONS":
                    response.status = 204
            else:
                drop_cors(response, keep="access-control-allow-origin")

        return blueprint


def refuse_broken(request: Request, error: ValueError) -> HTTPResponse:
    """Call a request that is no HTTP what it is: Sanic says 500 to a Content-Length that is no number."""
    if request is None or request.route is None:
        return HTTPResponse("Bad request.\n", 400, content_type="text/plain; charset=utf-8")
    handler: Any = request.app.error_handler
    response: HTTPResponse = handler.default(request, error)
    return response


def drop_cors(response: HTTPResponse, keep: str = "") -> None:
    """Remove what Rasa's CORS says, which knows nothing of our origins."""
    for name in [name for name in response.headers if name.lower().startswith("access-control-")]:
        if name.lower() != keep:
            del response.headers[name]


def greeting(app: Sanic, fallback: str) -> str:
    """Return the bot's first words, which stand in the domain of its model."""
    domain = getattr(getattr(app.ctx, "agent", None), "domain", None)
    responses = getattr(domain, "responses", None) or {}
    return str(next((one["text"] for one in responses.get("utter_greet", ()) if one.get("text")), fallback))


def _handler(api: WebApi, methods: Mapping[str, Handler]) -> Callable[..., Coroutine[Any, Any, HTTPResponse]]:
    async def serve(request: Request, **_: str) -> HTTPResponse:
        return await api.serve(request, methods)

    return serve


def _page(page: Callable[..., Awaitable[HTTPResponse]]) -> Callable[..., Coroutine[Any, Any, HTTPResponse]]:
    async def serve(request: Request, **names: str) -> HTTPResponse:
        return await page(request, **names)

    return serve


def _stored() -> Stored:
    return Conversations(shared_database())


async def _feedback(conversation: str, message: str, helpful: bool) -> bool:
    return await Feedback(shared_database()).give(conversation, message, helpful)
