"""The bot on several servers, as deploy/ wires it: two Rasa and two action servers of the real bot, PostgreSQL, Redis, RabbitMQ, nginx."""

from __future__ import annotations

import secrets
import shutil
import sys
import tempfile
import urllib.request
from pathlib import Path

import storage_postgres as pg
from local_services import ROOT, LocalNginx, LocalRabbit, LocalRedis, LocalService, write_configuration

from milia import training

MILIA = str(Path(sys.executable).with_name("milia"))
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
# All people of a test come from one address and write fast.
NO_LIMITS = {
    "MILIA_WEB_RATE": "100000",
    "MILIA_WEB_ADDRESS_RATE": "1000000",
    "MILIA_WEB_ADDRESS_CONVERSATIONS": "100000",
    "MILIA_WEB_CONVERSATIONS": "100000",
}


def answers(url: str) -> bool:
    """Tell whether an address answers 200."""
    try:
        with OPENER.open(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


class BotServer(LocalService):
    """One server of the bot, as a container runs it: `milia serve`."""

    # A Rasa server has to load its model; on a busy machine that takes its time.
    patience = 240

    def __init__(self, which: str, folder: Path, environment: dict[str, str]) -> None:
        self.port = pg.free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        name = "MILIA_PORT" if which == "rasa" else "MILIA_ACTIONS_PORT"
        health = f"{self.url}/health/live" if which == "actions" else f"{self.url}/health/ready?without=actions"
        own = {name: str(self.port), "MILIA_VAR": str(folder / "var"), "MILIA_HOST": "127.0.0.1"}
        super().__init__(folder.name, folder, [MILIA, "serve", which], lambda: answers(health), environment | own)


class Cluster:
    """All of it, in a folder of its own; `start`, then kill and start its parts at will.

    Attributes:
        url: where people reach it.
        rasa: the Rasa servers.
        actions: the action servers.
    """

    def __init__(self) -> None:
        folder = pg.programs()
        assert folder is not None, "PostgreSQL is not installed: apt-get install postgresql"
        assert training.current_model(ROOT) is not None, "no model of the present data: run `make train`"
        self.folder = Path(tempfile.mkdtemp(prefix="milia-cluster-"))
        self.postgres = pg.Postgres(folder)
        self.redis = LocalRedis(self.folder / "redis")
        self.rabbit = LocalRabbit(self.folder / "rabbit")
        # As deploy/compose.yml: the action servers get neither the secret nor the addresses of the stores.
        self.actions = [BotServer("actions", self.folder / f"actions-{n}", {}) for n in (1, 2)]
        self._for_rasa = {"MILIA_SECRET_KEY": secrets.token_hex(32), "MILIA_TRUSTED_PROXIES": "127.0.0.1", **NO_LIMITS}
        self.rasa = [BotServer("rasa", self.folder / f"rasa-{n}", self._for_rasa) for n in (1, 2)]
        self.nginx = LocalNginx(self.folder / "nginx", [one.port for one in self.rasa], [one.port for one in self.actions])
        self.url = self.nginx.url
        self.database = ""

    @property
    def services(self) -> list[LocalService]:
        """All but PostgreSQL."""
        return [self.redis, self.rabbit, self.nginx, *self.actions, *self.rasa]

    def start(self) -> None:
        """Start everything: the dependencies first, the servers together."""
        self.postgres.start()
        self.database = self.postgres.new_database()
        self._for_rasa |= {"DATABASE_URL": self.database, "REDIS_URL": self.redis.url, "RABBITMQ_URL": self.rabbit.url}
        self._for_rasa |= {"MILIA_ACTIONS_URL": self.nginx.actions_url}
        for server in self.rasa:
            server.set(self._for_rasa)
        for service in self.services:
            service.start(wait=False)
        for service in self.services:
            service.wait()

    def balance(self, rasa: int) -> None:
        """Let nginx use the first so many Rasa servers."""
        ports = [one.port for one in self.rasa[:rasa]], [one.port for one in self.actions]
        write_configuration(self.nginx.folder, self.nginx.port, self.nginx.actions_port, *ports)
        self.nginx.stop()
        self.nginx.start()

    def stop(self) -> None:
        """End everything, and remove its folder."""
        for service in reversed(self.services):
            service.stop()
        self.postgres.remove()
        shutil.rmtree(self.folder, ignore_errors=True)
