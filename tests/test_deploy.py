"""The files of deploy/: what runs has no rights, no secret and no moving version, and names only settings and pages that exist."""

from __future__ import annotations

import json
import os
import re
import runpy
import shutil
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
import yaml
from local_services import LocalNginx, require, write_configuration
from storage_postgres import free_port

from milia import launch, serving
from milia.channels.web_settings import WebSettings
from milia.processes import CommandError
from milia.production import unsafe_settings
from milia.server import Settings, actions_service

ROOT = Path(__file__).resolve().parent.parent
DEPLOY = ROOT / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
COMPOSE = yaml.safe_load((DEPLOY / "compose.yml").read_text(encoding="utf-8"))
VALUES = yaml.safe_load((DEPLOY / "helm/rasa-values.yaml").read_text(encoding="utf-8"))
ACTIONS_VALUES = VALUES["rasa-action-server"]
DOCUMENTED = set(re.findall(r"^# ([A-Z][A-Z_]+)=", (ROOT / ".env.example").read_text(encoding="utf-8"), re.MULTILINE))
# Settings of others: of the system, of the libraries, of the images of PostgreSQL, Redis and RabbitMQ.
OF_OTHERS = re.compile(r"HOME|PATH|PYTHON.*|MPLCONFIGDIR|OMP_.*|TF_.*|RASA_TELEMETRY_ENABLED|POSTGRES_.*|REDIS_PASSWORD|RABBITMQ_(DEFAULT_|PASSWORD).*")
SECRET = re.compile(r"SECRET|PASSWORD|_KEY$|TOKEN|_URL$")
OURS = ("rasa", "actions")
KEEP = runpy.run_path(str(ROOT / "scripts/keep_packages.py"))


def environment_of(service: dict[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in (service.get("environment") or {}).items()}


def extra_env(values: dict[str, Any]) -> dict[str, Any]:
    return {one["name"]: one.get("value", one.get("valueFrom")) for one in values["extraEnv"]}


def test_every_setting_that_is_named_exists() -> None:
    named = {name for service in COMPOSE["services"].values() for name in environment_of(service)}
    named |= set(re.findall(r"\$\{([A-Z_]+)", (DEPLOY / "compose.yml").read_text(encoding="utf-8")))
    named |= set(extra_env(VALUES)) | set(extra_env(ACTIONS_VALUES))
    named |= set(re.findall(r"\b([A-Z][A-Z_]+)=", DOCKERFILE))
    assert {name for name in named if name not in DOCUMENTED and not OF_OTHERS.fullmatch(name)} == set()
    assert len(named & DOCUMENTED) > 15


def test_secrets_are_references_and_the_action_servers_have_none() -> None:
    for service in COMPOSE["services"].values():
        for name, value in environment_of(service).items():
            if SECRET.search(name) and name not in ("MILIA_ACTIONS_URL", "MILIA_METRICS_KEY"):
                assert "${" in value, name
    for name, value in extra_env(VALUES).items():
        if SECRET.search(name) and name != "MILIA_ACTIONS_URL":
            assert set(value) == {"secretKeyRef"}, name
    for given in (environment_of(COMPOSE["services"]["actions"]), extra_env(ACTIONS_VALUES)):
        assert not [name for name in given if SECRET.search(name)]
    assert not re.search(r"^(ARG|ENV) .*(SECRET|PASSWORD|TOKEN|_KEY)", DOCKERFILE, re.MULTILINE)
    # A value as openssl makes them would be a secret.
    everything = "".join(path.read_text(encoding="utf-8") for path in DEPLOY.rglob("*") if path.is_file() and path.suffix != ".json")
    assert not re.search(r"\b[0-9a-f]{32,}\b", everything)


def test_every_image_has_a_version_that_does_not_move() -> None:
    froms = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    stages = set(re.findall(r"^FROM \S+ AS (\S+)", DOCKERFILE, re.MULTILINE))
    images = [one for one in froms if one not in stages]
    images += [service["image"] for name, service in COMPOSE["services"].items() if name not in OURS]
    assert len(images) >= 5
    assert [one for one in images if not re.search(r":\d+\.\d+(\.\d+)?-[a-z-]+$", one)] == []
    own = [COMPOSE["services"][name]["image"].partition(":")[2] for name in OURS]
    own += [values["image"]["tag"] for values in (VALUES, ACTIONS_VALUES)]
    assert own == ["1"] * 4
    assert "latest" not in yaml.safe_dump([COMPOSE, VALUES]) + DOCKERFILE


@pytest.mark.parametrize("name", sorted(COMPOSE["services"]))
def test_containers_are_nobody_may_nothing_and_write_nowhere(name: str) -> None:
    service = COMPOSE["services"][name]
    assert service["user"].split(":")[0] not in ("0", "root")
    assert service["read_only"] is True and service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["tmpfs"], "a read-only container needs a place for what passes"
    assert service["healthcheck"]["test"]
    assert service["deploy"]["resources"]["limits"]["memory"]
    assert ("ports" in service) == (name == "nginx"), "only the proxy is reached from outside"


@pytest.mark.parametrize("values", [VALUES, ACTIONS_VALUES], ids=["rasa", "actions"])
def test_pods_are_nobody_may_nothing_and_write_nowhere(values: dict[str, Any]) -> None:
    assert values["podSecurityContext"]["runAsNonRoot"] is True and values["podSecurityContext"]["runAsUser"] > 0
    context = values["securityContext"]
    assert context["readOnlyRootFilesystem"] is True and context["allowPrivilegeEscalation"] is False
    assert context["capabilities"] == {"drop": ["ALL"]}
    assert [mount["mountPath"] for mount in values["volumeMounts"]] == ["/tmp"]
    assert values["resources"]["limits"]["memory"]


def test_the_images_run_as_nobody_and_hold_what_is_pinned() -> None:
    stages = {stage.partition("\n")[0].split(" AS ")[1]: stage for stage in DOCKERFILE.split("\nFROM ")[1:]}
    assert "USER 10001:10001" in stages["server"]
    for name in OURS:
        assert stages[name].startswith("server AS") and "USER" not in stages[name]
        assert "HEALTHCHECK" in stages[name] and f'CMD ["milia", "serve", "{name}"]' in stages[name]
        assert f"COPY --from=build-{name} /opt/milia /opt/milia" in stages[name]
    assert "scripts/setup.sh" in stages["build"]  # which installs with --require-hashes
    assert "--require-hashes requirements.lock" in (ROOT / "scripts/setup.sh").read_text(encoding="utf-8")
    for copied in re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE):
        for name in copied.split():
            assert (ROOT / name).exists(), f"the image copies {name}"
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    assert ignored[1] == "*" and not {"!.env", "!var", "!deploy"} & set(ignored)
    sent = {line.removeprefix("!").partition("/")[0] for line in ignored if line.startswith("!")}
    assert {name.partition("/")[0] for c in re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE) for name in c.split()} <= sent


def test_probes_ask_the_pages_for_it_on_the_right_ports() -> None:
    assert VALUES["livenessProbe"]["httpGet"]["path"] == "/health/live"
    assert VALUES["readinessProbe"]["httpGet"]["path"] == "/health/ready?without=actions"
    assert VALUES["applicationSettings"]["port"] == Settings(ROOT, ROOT).port
    assert ACTIONS_VALUES["applicationSettings"]["port"] == ACTIONS_VALUES["service"]["port"] == Settings(ROOT, ROOT).actions_port
    for probe in ("livenessProbe", "readinessProbe"):
        assert ACTIONS_VALUES[probe]["httpGet"]["path"] == "/health/live"
        assert VALUES[probe]["timeoutSeconds"] >= 1  # a look takes 0.7 s
    assert extra_env(VALUES)["MILIA_ACTIONS_URL"].endswith(f":{Settings(ROOT, ROOT).actions_port}")
    assert "5005/health/ready?without=actions" in COMPOSE["services"]["rasa"]["healthcheck"]["test"][-1]
    assert "5055/health/live" in COMPOSE["services"]["actions"]["healthcheck"]["test"][-1]
    assert COMPOSE["services"]["rasa"]["environment"]["MILIA_ACTIONS_URL"] == "http://nginx:5055"


def test_the_servers_of_compose_are_fit_to_serve_people() -> None:
    given = environment_of(COMPOSE["services"]["rasa"])
    filled = {"MILIA_SECRET_KEY": os.urandom(32).hex(), "POSTGRES_PASSWORD": "p", "REDIS_PASSWORD": "r", "RABBITMQ_PASSWORD": "q"}
    environment = {
        name: re.sub(r"\$\{([A-Z_]+)(?::[-?]([^}]*))?\}", lambda found: filled.get(found[1], "" if "make one" in (found[2] or "") else found[2] or ""), value)
        for name, value in given.items()
    }
    environment |= {"RASA_TELEMETRY_ENABLED": "false"}
    assert unsafe_settings(environment, ["rasa", "run"]) == []
    assert WebSettings.from_environment(environment).trusted_proxies
    subnet = COMPOSE["networks"]["inside"]["ipam"]["config"][0]["subnet"]
    assert environment["MILIA_TRUSTED_PROXIES"] == subnet


def test_the_chart_runs_our_servers_and_brings_no_database_and_no_password() -> None:
    assert VALUES["command"] == ["milia", "serve", "rasa"] and ACTIONS_VALUES["command"] == ["milia", "serve", "actions"]
    assert not [name for name in ("postgresql", "redis", "rabbitmq", "nginx", "duckling") if VALUES[name].get("install") or VALUES[name].get("enabled")]
    assert VALUES["applicationSettings"]["initialModel"] == "" and VALUES["applicationSettings"]["enableAPI"] is False
    assert VALUES["applicationSettings"]["telemetry"]["enabled"] is False
    assert VALUES["replicaCount"] >= 2 and ACTIONS_VALUES["replicaCount"] >= 2


# nginx


@pytest.fixture
def nginx(tmp_path: Path) -> Iterator[LocalNginx]:
    """The proxy before servers that are not there."""
    require("nginx")
    proxy = LocalNginx(tmp_path / "nginx", [free_port(), free_port()], [free_port()])
    proxy.start()
    yield proxy
    proxy.stop()


def post(nginx: LocalNginx, body: str, path: str = "/webhooks/web/messages", **headers: str) -> tuple[int, Any, str]:
    """Send a body; returns the status, the headers and the body of the answer."""
    connection = HTTPConnection("127.0.0.1", nginx.port, timeout=30)
    try:
        connection.request("POST", path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read().decode()
    finally:
        connection.close()


def test_nginx_takes_the_configuration_with_tls(tmp_path: Path) -> None:
    require("nginx")
    if shutil.which("openssl") is None:
        pytest.fail("openssl is not installed")
    write_configuration(tmp_path, 1, 2, [3, 4], [5])
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=test", "-keyout", str(key), "-out", str(cert), "-days", "1"]
    subprocess.run(command, check=True, capture_output=True)
    text = (DEPLOY / "nginx/nginx.conf").read_text(encoding="utf-8").replace("/tmp/", f"{tmp_path}/")
    text = text.replace("/run/secrets/tls_cert", str(cert)).replace("/run/secrets/tls_key", str(key))
    (tmp_path / "nginx.conf").write_text(text, encoding="utf-8")
    done = subprocess.run([shutil.which("nginx", path="/usr/sbin:/usr/bin") or "nginx", "-t", "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf")], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_without_any_server_people_are_told_in_the_form_of_the_web_channel(nginx: LocalNginx) -> None:
    status, headers, answer = post(nginx, "{}")
    assert status == 503 and headers["Retry-After"] == "2" and headers["Content-Type"] == "application/problem+json"
    problem = json.loads(answer)
    assert {"type", "title", "status", "detail", "code", "retry_after"} == set(problem)
    assert problem["code"] == "unavailable" and "dermatology provider" in problem["detail"] and "emergency" in problem["detail"]


def test_large_bodies_end_at_the_proxy(nginx: LocalNginx) -> None:
    limit = int(WebSettings.from_environment({}).body_bytes)
    assert post(nginx, "x" * (limit + 1))[0] == 503, "the server's own limit is the narrower one"
    assert post(nginx, "x" * (limit * 2 + 1))[0] == 413


def test_its_logs_name_nobody(nginx: LocalNginx) -> None:
    post(nginx, '{"text": "Roberta"}', "/webhooks/web/messages?who=Roberta", User_Agent="Roberta", X_Forwarded_For="203.0.113.9")
    nginx.stop()
    logs = "".join(path.read_text() for path in nginx.folder.glob("*.log"))
    assert "POST 503" in logs
    assert not re.search(r"Roberta|203\.0\.113|127\.0\.0\.1|/webhooks", logs)


def test_only_messages_and_action_calls_are_sent_twice() -> None:
    text = (DEPLOY / "nginx/locations.conf").read_text(encoding="utf-8")
    blocks = re.findall(r"^location ([^{]+) \{(.*?)^\}", text, re.MULTILINE | re.DOTALL)
    assert [name for name, body in blocks if "non_idempotent" in body] == ["= /webhooks/web/messages"]
    main = (DEPLOY / "nginx/nginx.conf").read_text(encoding="utf-8")
    assert main.count("non_idempotent") == 1 and "non_idempotent" in main.partition("listen 5055")[2]


# One server alone


@pytest.mark.parametrize("server", OURS)
def test_a_server_imports_nothing_that_its_image_leaves_out(server: str) -> None:
    kept = KEEP["kept"](server)
    assert not {"pytest", "playwright", "hypothesis", "mypy"} & kept
    if server == "actions":
        assert not {"rasa", "tensorflow", "tensorflow-cpu", "sqlalchemy", "onnxruntime"} & kept
        imports = "import rasa_sdk.__main__, actions.answer; from milia.observability.process import prepare; prepare('rasa_sdk')"
    else:
        imports = "import rasa.core.run, redis, aio_pika, psycopg2; from milia.observability import door; import milia.channels.web, milia.staff.channel, milia.serving"
    code = f"""
import sys
from importlib import metadata
left_out = set({KEEP["unneeded"](server)!r})
tops = {{top for top, names in metadata.packages_distributions().items() if all(n.lower().replace('_', '-').replace('.', '-') in left_out for n in names)}}
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name in tops:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Refuse())
import milia.cli
{imports}
"""
    if server == "actions":
        code = code.replace("import milia.cli\n", "")
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]


def test_a_server_alone_has_no_parent_to_end_with() -> None:
    command = serving.alone(["python", "-m", "milia.launch", "rasa", "run"])
    assert command == ["python", "-m", "milia.launch", launch.ALONE, "rasa", "run"]
    # Its standard input is closed from the start, as in a container: as a child of `milia run` it would end.
    done = subprocess.run([sys.executable, "-m", "milia.launch", launch.ALONE, "timeit", "-n", "1", "-r", "1", "import time; time.sleep(1.5)"], cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("value", "address"),
    [("", ""), ("http://actions:5055", "http://actions:5055"), ("http://actions:5055/", "http://actions:5055"), ("http://actions:5055/webhook", "http://actions:5055")],
)
def test_where_the_action_servers_are(value: str, address: str) -> None:
    assert serving.actions_url(value) == address
    assert Settings(ROOT, ROOT, actions_at=address).actions_url == (address or "http://127.0.0.1:5055")


@pytest.mark.parametrize("value", ["actions:5055", "ftp://actions", "http://"])
def test_an_address_of_no_use_is_refused(value: str) -> None:
    with pytest.raises(CommandError, match="MILIA_ACTIONS_URL"):
        serving.actions_url(value)


def test_the_action_server_listens_where_it_is_told() -> None:
    settings = Settings(ROOT, ROOT)
    assert actions_service(settings).environment["SANIC_HOST"] == "127.0.0.1"
    assert actions_service(settings, "0.0.0.0").environment["SANIC_HOST"] == "0.0.0.0"
