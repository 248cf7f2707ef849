"""The staff console as one of Rasa's channels, which is how it is mounted: named in credentials.yml.

No message of a person comes by it. It is off until a staff user is set up (`milia staff add`).
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rasa.core.channels.channel import InputChannel, UserMessage
from sanic import Blueprint, Sanic
from sanic.request import Request
from sanic.response import HTTPResponse

from milia.channels.web import drop_cors
from milia.channels.web_security import API as API_HEADERS
from milia.in_service import Content
from milia.staff.api import Api
from milia.staff.audit import Audit
from milia.staff.checkout import Checkout
from milia.staff.content_api import ContentApi
from milia.staff.conversation_list import ConversationList
from milia.staff.conversations_api import ConversationsApi
from milia.staff.dialog_files import DialogFiles
from milia.staff.jobs import Jobs
from milia.staff.knowledge import Knowledge, load_knowledge
from milia.staff.login_api import LoginApi
from milia.staff.model import RunningModel
from milia.staff.model_service import ModelService
from milia.staff.pages import ConsolePages
from milia.staff.reviews import Reviews
from milia.staff.reviews_api import ReviewsApi
from milia.staff.routes import PREFIX
from milia.staff.sessions import Sessions
from milia.staff.settings import StaffSettings
from milia.staff.statistics import Statistics
from milia.staff.tests_api import TestsApi
from milia.staff.training_api import TrainingApi
from milia.staff.tries import Tries
from milia.staff.try_api import TryApi
from milia.staff.turn_index import TurnIndex
from milia.staff.unanswered import Unanswered
from milia.staff.users import Users
from milia.storage.database import Database, shared_database
from milia.storage.errors import StorageError
from milia.training import ROOT

logger = logging.getLogger(__name__)

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
# A login's answers are for the console's own pages alone.
_HEADERS = {**API_HEADERS, "Cross-Origin-Resource-Policy": "same-origin", "X-Frame-Options": "DENY"}


@dataclass
class Console:
    """The console put together: what requests are served with, and what runs until the server ends."""

    api: Api
    jobs: Jobs
    index: TurnIndex


class StaffChannel(InputChannel):
    """The console.

    Args:
        settings: limits; those of the environment if None.
        database: where all of it is kept; that of the environment if None.
        root: the project's folder.
        pages: the built pages.
        redact: takes personal data out of what staff write; that of the store if None.

    Raises:
        SettingError: A setting is not allowed.
    """

    def __init__(
        self,
        settings: StaffSettings | None = None,
        database: Database | None = None,
        root: Path = ROOT,
        pages: ConsolePages | None = None,
        redact: Callable[[str], str] | None = None,
    ) -> None:
        self._settings = settings or StaffSettings.from_environment()
        self._database, self._root, self._pages = database, root, pages or ConsolePages()
        self._redact = redact
        # Read anew once a model that knows of changed content is put in service.
        self._knowledge = Content(root, lambda: load_knowledge(root), load_knowledge.cache_clear)
        self._app: Sanic | None = None
        self._console: Console | None = None

    @classmethod
    def name(cls) -> str:
        """Return the channel's name."""
        return "staff"

    @classmethod
    def from_credentials(cls, credentials: Mapping[str, Any] | None) -> StaffChannel:
        """Create the console; its settings come from the environment.

        Raises:
            ValueError: credentials.yml has settings for it.
        """
        if credentials:
            raise ValueError(f"the staff console is set by MILIA_STAFF_* (.env.example), not by {sorted(credentials)} in credentials.yml")
        return cls()

    def url_prefix(self) -> str:
        """Return the root: pages and API are at /staff."""
        return "/"

    def blueprint(self, on_new_message: Callable[[UserMessage], Awaitable[Any]]) -> Blueprint:
        """Return the routes."""
        blueprint = Blueprint("milia_staff")

        @blueprint.listener("before_server_start")
        async def begin(app: Sanic, _: Any) -> None:
            self._app = app
            self._console = self._put_together()
            try:
                await self._console.jobs.tidy()
            except StorageError as error:  # the bot answers that for itself; the console is not why it should not start
                logger.warning("runs of the staff console were not tidied: %s", error)

        @blueprint.listener("before_server_stop")
        async def end(app: Sanic, _: Any) -> None:
            if self._console is not None:
                await self._console.jobs.close()

        async def api(request: Request, **_: str) -> HTTPResponse:
            assert self._console is not None
            return await self._console.api.serve(request)

        async def page(request: Request, path: str = "") -> HTTPResponse:
            return await self._pages.page(request, path)

        blueprint.add_route(api, f"{PREFIX}/<path:path>", methods=_METHODS, stream=True, name="api")
        blueprint.add_route(page, "/staff", methods=("GET", "HEAD"), name="page")
        blueprint.add_route(page, "/staff/<path:path>", methods=("GET", "HEAD"), name="page_file")

        @blueprint.middleware("response")
        async def secure(request: Request, response: HTTPResponse) -> None:
            drop_cors(response)
            if request.path.startswith(PREFIX):
                response.headers.update(_HEADERS)

        return blueprint

    def _put_together(self) -> Console:
        settings, database, root = self._settings, self._database or shared_database(), self._root
        known = self._known
        users, sessions, audit = Users(database), Sessions(database, settings), Audit(database)
        checkout, model, service = Checkout(root), RunningModel(self._agent, known), ModelService(self._agent, root)
        reviews = Reviews(database)
        tries = Tries(model.processor, model.explain)
        conversations, statistics = ConversationList(database), Statistics(database)
        index, jobs = TurnIndex(database, known().content.topics), Jobs(database, root)
        parts: tuple[Any, ...] = (
            LoginApi(settings, users, sessions, audit),
            TryApi(tries, model, known, settings, checkout, conversations.channels),
            ConversationsApi(conversations, statistics, index, model, known),
            ReviewsApi(reviews, database, tries, audit, checkout, known, self._without_personal_data),
            TestsApi(DialogFiles(root), jobs, conversations, tries, checkout, model, audit, settings),
            TrainingApi(root, settings, reviews, jobs, checkout, model, service, audit),
            ContentApi(root, known, statistics, Unanswered(database), index),
        )
        handlers = {name: handler for part in parts for name, handler in part.handlers.items()}
        return Console(Api(settings, users, sessions, handlers), jobs, index)

    def _agent(self) -> Any:
        """Return Rasa's agent; None before the server has begun."""
        return getattr(self._app and self._app.ctx, "agent", None)

    def _known(self) -> Knowledge:
        return self._knowledge.get()

    async def _without_personal_data(self, text: str) -> str:
        """Redact a text as the store of the conversations does, unless another way was given."""
        if self._redact is not None:
            return self._redact(text)
        assert self._app is not None
        return str(await self._app.ctx.agent.tracker_store.redacted(text))
