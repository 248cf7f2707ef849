"""Training happens when one of its inputs changed, once, and leaves a whole model or none."""

from __future__ import annotations

import argparse
import io
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from milia import model_record, processes, training
from milia.processes import CommandError, Stopped, StopRequest
from milia.progress import Progress

FILES = {
    "config.yml": "pipeline:\n  - name: milia.extra.Component\n",
    "domain.yml": "intents: [greet]\n",
    "requirements.lock": "rasa==3.6.21\n",
    "data/nlu/greet.yml": "nlu: []\n",
    "data/rules/greet.yml": "rules: []\n",
    "data/content/topics/definition.yml": "topic: definition\n",
    "milia/__init__.py": "",
    "milia/nlu/__init__.py": "",
    "milia/nlu/encoder.py": "from milia import words\nfrom ..ages import find\nimport milia.deep.inner\n",
    "milia/policies/guard.py": "import os\n",
    "milia/words.py": "WORDS = ()\n",
    "milia/ages.py": "from .durations import D\n",
    "milia/durations.py": "D = 1\n",
    "milia/deep/__init__.py": "",
    "milia/deep/inner.py": "",
    "milia/extra.py": "class Component: ...\n",
    "milia/cli.py": "import argparse\n",
    "actions/answer.py": "import milia.words\n",
    "tests/test_words.py": "",
    "README.md": "# Milia\n",
    "endpoints.yml": "action_endpoint: {}\n",
    "data/README.md": "# Data\n",
    "data/nlu/.greet.yml.swp": "editor",
    "data/nlu/greet.yml~": "backup",
    "milia/nlu/__pycache__/encoder.pyc": "code",
}
NO_INPUTS = (
    "milia/cli.py",
    "actions/answer.py",
    "tests/test_words.py",
    "README.md",
    "endpoints.yml",
    "data/README.md",
    "data/nlu/.greet.yml.swp",
    "data/nlu/greet.yml~",
    "milia/nlu/__pycache__/encoder.pyc",
)
INPUTS = tuple(name for name in FILES if name not in NO_INPUTS)

# Stands for `rasa train`: writes the model's file and, on demand, does what a training can do wrong.
FAKE = """
import pathlib, sys, time
out, name, how = sys.argv[1:]
print("training", name)
if how == "fail": sys.exit("ValueError: no examples of greet")
if how == "full": sys.exit("OSError: [Errno 28] No space left on device")
if how == "edit": pathlib.Path("domain.yml").write_text("intents: [other]")
if how == "slow": time.sleep(60)
if how != "nothing":
    pathlib.Path(out).mkdir(parents=True, exist_ok=True)
    pathlib.Path(out, name + ".tar.gz").write_bytes(b"model")
with open("runs", "a") as runs: runs.write("x")
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Put the fake training in place; `how` chooses what it does."""
    mode = {"how": "work"}

    def fake_command(out: Path, name: str) -> list[str]:
        return [sys.executable, "-c", FAKE, str(out), name, mode["how"]]

    monkeypatch.setattr(training, "training_command", fake_command)
    return mode


def runs(root: Path) -> int:
    path = root / "runs"
    return len(path.read_text(encoding="utf-8")) if path.exists() else 0


@pytest.mark.parametrize("name", INPUTS)
def test_each_input_changes_the_fingerprint(root: Path, name: str) -> None:
    before = training.fingerprint(root)
    change = "numpy==1.23.5\n" if name == "requirements.lock" else "\n# changed\n"
    (root / name).write_text(FILES[name] + change, encoding="utf-8")
    assert training.fingerprint(root) != before


@pytest.mark.parametrize("name", NO_INPUTS)
def test_other_files_leave_the_fingerprint_alone(root: Path, name: str) -> None:
    before = training.fingerprint(root)
    (root / name).write_text("something else", encoding="utf-8")
    assert training.fingerprint(root) == before


def test_a_renamed_or_added_input_changes_the_fingerprint(root: Path) -> None:
    before = training.fingerprint(root)
    (root / "data/nlu/greet.yml").rename(root / "data/nlu/hello.yml")
    renamed = training.fingerprint(root)
    (root / "data/nlu/new.yml").write_text("nlu: []\n", encoding="utf-8")
    assert len({before, renamed, training.fingerprint(root)}) == 3


def test_the_fingerprint_knows_no_folder_or_time(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other")
    for name, text in reversed(FILES.items()):
        (other / name).parent.mkdir(parents=True, exist_ok=True)
        (other / name).write_text(text, encoding="utf-8")
        os.utime(other / name, (1, 1))
    assert training.fingerprint(root) == training.fingerprint(other)


def test_code_that_does_not_parse_still_counts(root: Path) -> None:
    (root / "milia/nlu/encoder.py").write_text("def broken(:\n", encoding="utf-8")
    assert "milia/nlu/encoder.py" in training.inputs(root)


def test_the_project_itself_has_inputs() -> None:
    assert {"data", "requirements.lock"} <= {name.split("/", maxsplit=1)[0] for name in training.inputs(training.ROOT)}


def test_training_writes_the_model_of_the_fingerprint(root: Path, fake: dict[str, str]) -> None:
    assert training.current_model(root) is None
    model = training.train(root)
    assert model == training.current_model(root) == root / f"models/milia-{training.fingerprint(root)[:12]}.tar.gz"
    assert model.read_bytes() == b"model"
    assert not (root / "models/.new").exists()
    assert "training milia-" in (root / "var/log/training.log").read_text(encoding="utf-8")


def test_nothing_is_trained_twice_unless_forced(root: Path, fake: dict[str, str]) -> None:
    training.train(root)
    training.train(root)
    assert runs(root) == 1
    training.train(root, force=True)
    assert runs(root) == 2


def test_going_back_to_the_model_before_needs_no_training(root: Path, fake: dict[str, str]) -> None:
    first = training.train(root)
    (root / "domain.yml").write_text("intents: [other]\n", encoding="utf-8")
    assert training.current_model(root) is None
    assert training.train(root) != first
    (root / "domain.yml").write_text(FILES["domain.yml"], encoding="utf-8")
    assert training.current_model(root) == first


def test_the_last_two_models_are_kept(root: Path, fake: dict[str, str]) -> None:
    models = []
    for number in range(4):
        (root / "domain.yml").write_text(f"intents: [i{number}]\n", encoding="utf-8")
        models.append(training.train(root))
        os.utime(models[-1], (number + 1, number + 1))
    other = root / "models/20240101-someone-elses.tar.gz"
    other.write_bytes(b"")
    (root / "domain.yml").write_text("intents: [last]\n", encoding="utf-8")
    models.append(training.train(root))
    assert sorted((root / "models").glob("*.tar.gz")) == sorted([other, *models[-2:]])


def test_a_model_that_serves_is_kept_however_old_and_records_go_with_their_models(root: Path, fake: dict[str, str]) -> None:
    models = []
    for number in range(4):
        (root / "domain.yml").write_text(f"intents: [i{number}]\n", encoding="utf-8")
        models.append(training.train(root, keep=[models[0].name] if models else []))
        os.utime(models[-1], (number + 1, number + 1))
    kept = [models[0], *models[-2:]]
    assert sorted((root / "models").glob("*.tar.gz")) == sorted(kept)
    assert sorted((root / "models").glob("*.json")) == sorted(model_record.path_of(one) for one in kept)


def test_the_record_of_a_model_tells_what_it_does_not_know(root: Path, fake: dict[str, str]) -> None:
    record = model_record.read(training.train(root))
    assert record is not None
    (root / "data/nlu/greet.yml").write_text("nlu: []\n# a line more\n", encoding="utf-8")
    (root / "data/nlu/new.yml").write_text("one\ntwo\n", encoding="utf-8")
    (root / "config.yml").write_text("pipeline: []\n", encoding="utf-8")
    (root / "milia/words.py").write_text("WORDS = ('more',)\n", encoding="utf-8")
    (root / "data/content/topics/definition.yml").unlink()
    now = model_record.of_inputs(root, training.inputs(root))
    found = {one.file: (one.kind, one.added, one.removed) for one in model_record.changes(record, now)}
    gone = {name for name in record.inputs if name.startswith("milia/")} - set(now.inputs)
    assert {name: one for name, one in found.items() if name not in gone} == {
        "config.yml": ("configuration", 0, 0),
        "data/content/topics/definition.yml": ("content", 0, 1),
        "data/nlu/greet.yml": ("training", 1, 0),
        "data/nlu/new.yml": ("training", 2, 0),
        "milia/words.py": ("code", 0, 0),
    }
    assert now.knows("data/nlu/new.yml", ["  two"]) and not record.knows("data/nlu/new.yml", ["two"])
    assert model_record.changes(record, record) == []


def test_a_model_without_a_record_gets_one_only_if_it_is_of_the_present_inputs(root: Path, fake: dict[str, str]) -> None:
    model = training.train(root)
    model_record.path_of(model).write_text("no JSON", encoding="utf-8")
    assert model_record.read(model) is None
    model_record.path_of(model).unlink()
    training.train(root)
    assert model_record.read(model) is not None
    model_record.path_of(model).unlink()
    (root / "domain.yml").write_text("intents: [other]\n", encoding="utf-8")
    training.note_inputs(root)
    assert not model_record.path_of(model).exists()


def test_another_command_may_train(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(training.COMMAND, "elsewhere 'two words'")
    command = training.training_command(Path("models/.new"), "milia-abc")
    assert command[:2] == ["elsewhere", "two words"] and command[command.index("--out") + 1] == "models/.new"


def test_a_training_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    """Killed outright, a parent can end nothing: the child sees its standard input close."""
    script = "import subprocess, sys, time; c = subprocess.Popen([sys.executable, '-m', 'milia.launch', 'timeit', '-n', '1', '-r', '1', 'import time; time.sleep(60)'], stdin=subprocess.PIPE); print(c.pid, flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, cwd=training.ROOT, text=True) as parent:
        assert parent.stdout
        child = int(parent.stdout.readline())
        parent.kill()
    for _ in range(100):
        if not _runs(child):
            return
        time.sleep(0.1)
    os.kill(child, 9)
    raise AssertionError("the child went on")


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").split(")")[-1].split()[0] != "Z" if Path("/proc").is_dir() else True


def test_a_failed_training_shows_its_last_lines_and_leaves_no_model(root: Path, fake: dict[str, str]) -> None:
    fake["how"] = "fail"
    with pytest.raises(CommandError, match=r"(?s)code 1.*var/log/training\.log.*no examples of greet"):
        training.train(root)
    assert not list((root / "models").glob("**/*.tar.gz"))


def test_a_training_that_wrote_no_model_is_a_failure(root: Path, fake: dict[str, str]) -> None:
    fake["how"] = "nothing"
    with pytest.raises(CommandError, match="wrote no model"):
        training.train(root)


def test_a_full_disk_is_named(root: Path, fake: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    fake["how"] = "full"
    with pytest.raises(CommandError, match="disk is full.*make clean"):
        training.train(root)
    monkeypatch.setattr(training, "MIN_FREE_MB", 10**12)
    with pytest.raises(CommandError, match=r"nearly full: \d+ MB free, training needs"):
        training.train(root)


def test_a_model_of_changing_inputs_is_thrown_away(root: Path, fake: dict[str, str]) -> None:
    fake["how"] = "edit"
    with pytest.raises(CommandError, match=r"domain\.yml changed while the model was trained"):
        training.train(root)
    assert not list((root / "models").glob("**/*.tar.gz"))


def test_a_signal_ends_the_training(root: Path, fake: dict[str, str]) -> None:
    fake["how"] = "slow"
    request = StopRequest()
    request.note(15)
    began = time.monotonic()
    with pytest.raises(Stopped):
        training.train(root, request=request)
    assert time.monotonic() - began < 5
    assert runs(root) == 0


def test_a_second_training_waits_for_the_first_and_uses_its_model(root: Path, fake: dict[str, str]) -> None:
    (root / "models").mkdir()
    script = "import fcntl, sys, time; f = open(sys.argv[1], 'w'); fcntl.flock(f, fcntl.LOCK_EX); print(flush=True); time.sleep(1)"
    with subprocess.Popen([sys.executable, "-c", script, str(root / "models/.lock")], stdout=subprocess.PIPE) as other:
        assert other.stdout
        other.stdout.readline()
        training.model_path(root).write_bytes(b"the other's")
        began = time.monotonic()
        model = training.train(root)
    assert time.monotonic() - began > 0.5
    assert model.read_bytes() == b"the other's"
    assert runs(root) == 0


def test_the_command_names_the_data_and_ignores_rasas_cache() -> None:
    command = training.training_command(Path("models/.new"), "milia-abc")
    assert command[1:5] == ["-m", "milia.launch", "rasa", "train"]
    assert command[command.index("--fixed-model-name") + 1] == "milia-abc"
    assert {"--force", "data", "domain.yml", "config.yml"} <= set(command)
    assert processes.QUIET_ENVIRONMENT["RASA_TELEMETRY_ENABLED"] == "false"


def test_content_problems_refuse_the_training(
    root: Path, fake: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(training, "ROOT", root)
    monkeypatch.setattr(training, "content_problems", lambda root: ["topics/cyst.yml:7: unknown fact 'x.1'"])
    assert training.command(argparse.Namespace(force=False)) == 1
    said = capsys.readouterr().err
    assert "1 problem," in said
    assert "topics/cyst.yml:7: unknown fact 'x.1'" in said
    assert "milia content check" in said
    assert runs(root) == 0


def test_many_content_problems_are_counted() -> None:
    with pytest.raises(CommandError, match=r"(?s)25 problems.*and 5 more"):
        training.refuse_content_problems([f"a.yml:{line}: wrong" for line in range(25)])
    training.refuse_content_problems([])


def test_the_command_trains_once_and_says_where_the_model_is(
    root: Path, fake: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(training, "ROOT", root)
    monkeypatch.setattr(training, "content_problems", lambda root: [])
    assert training.command(argparse.Namespace(force=False)) == 0
    assert training.command(argparse.Namespace(force=False)) == 0
    said = capsys.readouterr().out
    assert runs(root) == 1
    assert "[2/2] Training the model ... ok" in said
    assert "nothing to train" in said
    assert "Model: models/milia-" in said
    assert training.command(argparse.Namespace(force=True)) == 0
    assert runs(root) == 2


class Terminal(io.StringIO):
    """Text that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_progress_counts_seconds_on_a_terminal_only(monkeypatch: pytest.MonkeyPatch) -> None:
    for out, ticks in ((Terminal(), True), (io.StringIO(), False)):
        now = [100.0]
        monkeypatch.setattr("milia.progress.time.monotonic", lambda now=now: now[0])
        progress = Progress(1, out)
        with progress.step("Waiting"):
            now[0] += 3.2
            progress.tick()
            progress.tick()
        assert out.getvalue().count("Waiting ... 3 s") == int(ticks)
        assert out.getvalue().endswith("[1/1] Waiting ... ok (3.2 s)\n")


def test_progress_names_a_failure() -> None:
    out = io.StringIO()
    with pytest.raises(CommandError), Progress(1, out).step("Waiting"):
        raise CommandError("no")
    assert " failed (" in out.getvalue()


def test_only_pins_that_compute_a_model_count(root: Path) -> None:
    before = training.fingerprint(root)
    lock = root / "requirements.lock"
    lock.write_text(lock.read_text(encoding="utf-8") + "playwright==1.65.2\n", encoding="utf-8")
    assert training.fingerprint(root) == before
    lock.write_text(lock.read_text(encoding="utf-8") + "spacy==3.7.5\n", encoding="utf-8")
    assert training.fingerprint(root) != before
