"""The scheduled purge: a thread of the Rasa server that removes what is older than the retention time."""

from __future__ import annotations

import logging
import random
import threading
import time

from milia.storage.database import Database
from milia.storage.errors import StorageError
from milia.storage.removal import purge_batch
from milia.storage.settings import SECONDS_A_DAY

logger = logging.getLogger(__name__)

# Once an hour; the first time soon after the start, but not with all servers at the same moment.
PERIOD_SECONDS = 3600.0
FIRST_SECONDS = 60.0


def purge_now(database: Database, older_than: float) -> dict[str, int]:
    """Remove what was stored before a time (seconds since 1970); returns rows removed, by table.

    Raises:
        StorageUnavailable: The database does not answer.
    """
    counts: dict[str, int] = {}
    while database.run_now(lambda connection: purge_batch(connection, older_than, counts), write=True):
        pass
    if counts:
        database.empty_journal()
    return counts


class Purger:
    """Purges a database again and again until stopped; several servers may do so at once.

    Args:
        database: what is purged.
        days: how long a turn is kept.
        period: seconds between two purges.
        first: seconds before the first one, at most.
    """

    def __init__(
        self, database: Database, days: int, period: float = PERIOD_SECONDS, first: float = FIRST_SECONDS
    ) -> None:
        self._database, self._days, self._period, self._first = database, days, period, first
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="milia-purge", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, once the batch in progress is done."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        wait = random.uniform(0, self._first)
        while not self._stop.wait(wait):
            wait = self._period * random.uniform(0.9, 1.1)
            try:
                counts = purge_now(self._database, time.time() - self._days * SECONDS_A_DAY)
            except StorageError as error:
                logger.warning("the purge is put off: %s", error)
            except Exception:  # a defect here must not end all purges to come
                logger.exception("the purge failed")
            else:
                if counts:
                    logger.info("purged what is older than %d days: %s", self._days, counts)
