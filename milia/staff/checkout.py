"""The project's folder: what can be written there, and commits on branches that leave the working tree as it is.

A commit is put together by git's plumbing in an index of its own: whoever works in the checkout sees a new branch, and
nothing else.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

_SECONDS = 30
_BRANCH = re.compile(r"[a-z0-9][a-z0-9/_-]{0,99}")


class CheckoutError(RuntimeError):
    """Git refused; the message says what it said."""


class Checkout:
    """A project folder, a git checkout or not.

    Args:
        root: the folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    @cached_property
    def is_git(self) -> bool:
        """Whether the folder is the top of a git checkout with a commit."""
        try:
            return Path(self._git("rev-parse", "--show-toplevel")).resolve() == self.root.resolve() and bool(
                self._git("rev-parse", "--verify", "--quiet", "HEAD")
            )
        except (CheckoutError, OSError):
            return False

    def can_write(self, folder: str) -> bool:
        """Tell whether files can be made in a folder."""
        path = self.root / folder
        return path.is_dir() and os.access(path, os.W_OK | os.X_OK)

    def models(self) -> list[Path]:
        """Return the model archives."""
        return [path for path in (self.root / "models").glob("*.tar.gz") if not path.name.startswith(("stock-", "."))]

    def read(self, file: str) -> str:
        """Return a file as the last commit has it; as it stands on the disk outside git.

        Raises:
            FileNotFoundError: There is none.
        """
        if not self.is_git:
            return (self.root / file).read_text(encoding="utf-8")
        try:
            return self._git("show", f"HEAD:{file}", strip=False)
        except CheckoutError:
            raise FileNotFoundError(file) from None

    def has_branch(self, branch: str) -> bool:
        """Tell whether there is a branch of a name."""
        try:
            self._git("show-ref", "--verify", "--quiet", f"refs/heads/{branch}")
        except CheckoutError:
            return False
        return True

    def commit(self, branch: str, files: Mapping[str, str], message: str, author: str) -> str:
        """Commit files on a new branch that starts at HEAD; returns the commit's id.

        Args:
            branch: its name; there must be none like it.
            files: text of each file, by its path in the folder.
            message: of the commit.
            author: name of who made it.

        Raises:
            CheckoutError: The branch exists, or git refuses.
        """
        if not self.is_git:
            raise CheckoutError("the project's folder is no git checkout")
        if not _BRANCH.fullmatch(branch):
            raise CheckoutError(f"{branch!r} is no name for a branch")
        head = self._git("rev-parse", "HEAD")
        with tempfile.TemporaryDirectory(prefix="milia-index-") as folder:
            environment = {
                "GIT_INDEX_FILE": str(Path(folder) / "index"),
                "GIT_AUTHOR_NAME": author, "GIT_AUTHOR_EMAIL": f"{author}@staff.invalid",
                "GIT_COMMITTER_NAME": "Milia staff console", "GIT_COMMITTER_EMAIL": "console@staff.invalid",
            }  # fmt: skip
            self._git("read-tree", "HEAD", environment=environment)
            for path, text in files.items():
                blob = self._git("hash-object", "-w", "--stdin", "--no-filters", text=text)
                self._git("update-index", "--add", "--cacheinfo", f"100644,{blob},{path}", environment=environment)
            tree = self._git("write-tree", environment=environment)
            commit = self._git("commit-tree", tree, "-p", head, "-m", message, environment=environment)
        # Fails if the branch is there: nothing of anybody's is ever moved.
        self._git("update-ref", f"refs/heads/{branch}", commit, "0" * 40)
        return commit

    def apply(self, patch: str) -> None:
        """Apply a patch to the files as they stand; lines around it may have changed, but not the nearest ones.

        Raises:
            CheckoutError: It does not fit.
        """
        # Git must not find a repository above this folder: it would look for the files there.
        environment = {"GIT_CEILING_DIRECTORIES": str(self.root.resolve().parent)}
        self._git("apply", "-C1", "--whitespace=nowarn", "-", text=patch, environment=environment)

    def _git(
        self, *arguments: str, text: str | None = None, environment: Mapping[str, str] | None = None, strip: bool = True
    ) -> str:
        # A GIT_DIR or the like of the environment, as in a hook, would lead to another repository.
        clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        try:
            done = subprocess.run(
                ["git", "-c", "core.hooksPath=/dev/null", "-C", str(self.root), *arguments],
                input=text, capture_output=True, text=True, encoding="utf-8", timeout=_SECONDS, check=False,
                env={**clean, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", **(environment or {})},
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired) as error:
            raise CheckoutError(f"git cannot be run: {type(error).__name__}") from error
        if done.returncode:
            raise CheckoutError(" ".join(done.stderr.split())[:300] or f"git {arguments[0]} failed")
        return done.stdout.strip() if strip else done.stdout
