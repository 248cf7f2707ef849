"""Run a module as a child of this project: `python -m milia.launch [--alone] MODULE [ARGUMENT ...]`.

`--alone` is for `milia serve`: there is no parent to end with. Three things that the module would not do by itself: it ends
when its parent is gone, however that died (a killed parent would leave two servers on their ports), the API token reaches
Rasa without standing in the list of processes, and the log of a server is this project's (`milia.observability.logs`).
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading
import time

TOKEN = "MILIA_API_TOKEN"
ALONE = "--alone"
PATIENCE_SECONDS = 15


def end_with_parent() -> None:
    """Wait until standard input, a pipe that only the parent holds open, closes; then end this process."""
    while os.read(0, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(PATIENCE_SECONDS)
    os._exit(1)


def is_server(module: str, arguments: list[str]) -> bool:
    """Tell whether a command serves people; `rasa train` does not."""
    return module == "rasa_sdk" or (module == "rasa" and arguments[:1] == ["run"])


def arguments_for(module: str, arguments: list[str], token: str) -> list[str]:
    """Return the module's arguments; Rasa's HTTP API is switched on only where a token protects it."""
    if module == "rasa" and token and is_server(module, arguments):
        return [*arguments, "--enable-api", "--auth-token", token]
    return arguments


def main(command: list[str]) -> None:
    """Run `command`: a module's name and its arguments."""
    alone = command[0] == ALONE
    module, *arguments = command[1:] if alone else command
    if not alone:
        threading.Thread(target=end_with_parent, name="end-with-parent", daemon=True).start()
    if is_server(module, arguments):
        os.umask(0o077)  # conversations and logs are for their owner only
        from milia.observability.process import prepare

        prepare(module)
    sys.argv = [module, *arguments_for(module, arguments, os.environ.get(TOKEN, ""))]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1:])
