"""What the stand-in knows: names, conversations, figures, reviews, tests, content. In memory, as new for each test."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from console_turns import LEVELS, NOW, TITLES, at, turn

PASSWORD = "a long password"
SOURCE = {"title": "What Is Milia?", "publisher": "Hims & Hers", "author": "", "reviewer": "Katelyn Hagerty, FNP", "updated": "12/4/2021", "note": "Information only.", "references": ["Cleveland Clinic. Milia. 2018."]}
TEXTS = ("How long do milia last?", "My baby has them, how long until they go?", "My eyelid is swollen", "It is not swollen, how long does it last?", "zebra zebra zebra")
YAML = "- name: How long\n  why: A common question.\n  turns:\n    - user: how long do they last\n      expect: {topics: [duration]}\n"


class World:
    """The stand-in's state.

    Attributes:
        conversations: how many are stored.
        reviews, tests, jobs, audit, users: as the contract has them.
        step: how many tests a run does each time it is asked for.
    """

    def __init__(self) -> None:
        self.conversations = 0
        self.turns_each = 3
        self.reviews: list[dict[str, Any]] = []
        self.tests: list[dict[str, Any]] = []
        self.files: dict[str, dict[str, Any]] = {}
        self.jobs: list[dict[str, Any]] = []
        self.audit: list[dict[str, Any]] = []
        self.unanswered: list[dict[str, Any]] = []
        self.tries: dict[str, dict[str, Any]] = {}
        self.users = [self._user("vera", "viewer"), self._user("eda", "editor"), self._user("ada", "admin")]
        self.step = 2
        self.can_commit = self.can_save = True
        self.running, self.models = "milia-1.tar.gz", {"milia-1.tar.gz": 500, "milia-0.tar.gz": 9000}
        self.before = "milia-0.tar.gz"
        self.accepted: list[dict[str, Any]] = []
        self.training_off: str | None = None
        self.training_error: str | None = None

    @staticmethod
    def _user(name: str, role: str) -> dict[str, Any]:
        return {"name": name, "role": role, "created_at": at(9000), "last_seen_at": None, "locked_until": None}

    def fill(self, conversations: int) -> None:
        """Store so many conversations, and a few of all else."""
        self.conversations = conversations
        some = min(conversations, 3)
        self.reviews = [self.review(f"r{number}") for number in range(some)]
        self.accepted = [self.accepted_change(f"r{number}", number == 1) for number in range(some)]
        self.tests = [self.test(f"Test {number}") for number in range(some * 4)]
        if some > 1:
            self.tests[0] |= {"broken": ["topics.yml:4: unknown topic 'colour'; allowed: duration, location."]}
            self.tests[1] |= {"last": {"passed": False, "at": at(30), "model": "milia-1"}}
        self.files = {"topics.yml": {"file": "topics.yml", "text": YAML, "version": "1", "tests": ["How long"], "faults": []}} if some else {}
        self.audit = [{"id": number, "at": at(number), "user": "eda", "what": "review.accept", "detail": f"review r{number}", "address": "127.0.0.1"} for number in range(conversations and 60)]
        self.unanswered = [
            {"id": f"unanswered.{number}", "title": title, "turns": 40 - number * 9, "conversations": 20 - number, "last_at": at(90), "examples": ["how much is it"], "has_nearest": number == 0, "not_helpful": number}
            for number, title in enumerate(("What removal costs", "Which cream is best", "Whether it is contagious")[:some])
        ]

    def row(self, number: int) -> dict[str, Any]:
        text = TEXTS[number % len(TEXTS)]
        level = LEVELS[2] if text == TEXTS[2] else LEVELS[0]
        return {
            "id": f"c{number}", "started_at": at(number * 7 + 10), "last_at": at(number * 7), "channel": "web" if number % 3 else "telegram", "turns": self.turns_each, "level": level,
            "topics": ["duration"] if level == LEVELS[0] else [], "signs": ["ws.swelling"] if level != LEVELS[0] else [], "first_text": text, "lowest_confidence": 0.34 if "zebra" in text else 0.91,
            "not_helpful": number % 4 == 1, "fallback": "zebra" in text, "reviews": 1 if number == 0 else 0,
        }  # fmt: skip

    def conversation(self, name: str) -> dict[str, Any]:
        number = int(name[1:])
        row = self.row(number)
        turns = [turn(TEXTS[(number + step) % len(TEXTS)], step, stored=True) for step in range(self.turns_each)]
        return {"id": name, "started_at": row["started_at"], "last_at": row["last_at"], "channel": row["channel"], "turns": turns, "next": None, "total": len(turns)}

    def review(self, name: str, state: str = "open") -> dict[str, Any]:
        return {
            "id": name, "state": state, "version": 1, "made_by": "vera", "made_at": at(50), "decided_by": None, "decided_at": None, "reason": None,
            "should": {"topics": ["removal_self"], "signs": None, "wording": None, "note": "They asked about popping."},
            "was": {"topics": ["duration"], "signs": [], "level": "provider_routine", "text": "can i pop these or do they go", "reply": "In newborns, milia mostly clear on their own."},
            "conversation": "c0", "turn": 0, "made": None,
        }  # fmt: skip

    @staticmethod
    def test(name: str) -> dict[str, Any]:
        return {"name": name, "why": "What went right must go right.", "file": "topics.yml", "line": 1, "turns": 2, "broken": [], "last": {"passed": True, "at": at(30), "model": "milia-1"}}

    def new_job(self, kind: str, total: int, by: str, file: str | None = None) -> dict[str, Any]:
        job = {"id": f"j{len(self.jobs)}", "kind": kind, "state": "running", "made_by": by, "made_at": at(0), "ended_at": None, "model": self.running, "done": 0, "total": total, "passed": 0, "error": None, "file": file, "results": [], "next": None, "seconds": 1.0, "steps": []}
        self.jobs.insert(0, job)
        return job

    def accepted_change(self, review: str, in_files: bool) -> dict[str, Any]:
        return {"review": review, "file": "data/nlu/ask_removal_self.yml", "sentence": f"is it okay to pop one of them {review}", "by": "eda", "at": at(20), "in_files": in_files}

    def training(self) -> dict[str, Any]:
        job = next((one for one in self.jobs if one["kind"] == "training"), None)
        present = "milia-2.tar.gz" if self.accepted or "milia-2.tar.gz" in self.models else self.running
        changes = [
            {"file": "data/nlu/ask_removal_self.yml", "kind": "training", "added": 2, "removed": 0},
            {"file": "config.yml", "kind": "configuration", "added": 0, "removed": 0},
        ]
        return {
            "available": self.training_off is None, "reason": self.training_off, "can_take": self.training_off is None, "running": self.running, "present": present,
            "is_trained": present in self.models, "is_recorded": True, "changes": changes if present != self.running else [], "accepted": [one for one in self.accepted if present != self.running or not one["in_files"]],
            "models": [{"name": name, "made_at": at(age), "in_service": name == self.running, "is_before": name == self.before, "is_present": name == present} for name, age in self.models.items()],
            "job": job, "last_seconds": 720.0,
        }  # fmt: skip

    def train_on(self, job: dict[str, Any]) -> dict[str, Any]:
        """Do a step of a training; `training_error` ends it."""
        titles = ("Checking the content", "Learning: the topics", "Trying the new model out")
        if job["steps"]:
            job["steps"][-1] |= {"state": "ok", "detail": ""}
        job["seconds"] += 61.0
        if self.training_error and job["steps"]:
            job["steps"][-1]["state"] = "failed"
            return job | self._ended(job, "failed", error=self.training_error)
        if len(job["steps"]) == len(titles):
            self.models = {job["model"]: 1, **self.models}
            return job | self._ended(job, "done")
        job["steps"].append({"title": titles[len(job["steps"])], "state": "running", "seconds": 61.0, "detail": "topics: 300 / 2,505"})
        return job

    @staticmethod
    def _ended(job: dict[str, Any], state: str, **more: Any) -> dict[str, Any]:
        job |= {"state": state, "ended_at": at(0), **more}
        return job

    def go_on(self, job: dict[str, Any]) -> dict[str, Any]:
        """Do a step of a run; its second test fails, but not with the model milia-2."""
        if job["kind"] == "training":
            return self.train_on(job) if job["state"] == "running" else job
        for _ in range(self.step):
            if job["state"] != "running" or job["done"] >= job["total"]:
                break
            number = job["done"]
            passed = None if job["kind"] == "replay" else number != 1 or job["model"] == "milia-2.tar.gz"
            job["results"].append({"name": f"Test {number}", "passed": passed, "before": True if passed is not None else None, "turns": [self._replayed(passed, "location" if job["model"] != self.running else "duration")]})
            job["done"] += 1
            job["passed"] += passed is True
        if job["state"] == "running" and job["done"] >= job["total"]:
            job |= {"state": "done", "ended_at": at(0)}
        return job

    @staticmethod
    def _replayed(passed: bool | None, topic: str) -> dict[str, Any]:
        differences = ["line 4: topics: expected [duration], got [location]"] if passed is False else []
        return {"user": "how long do they last", "line": 4, "differences": differences, "text": "Mostly a few weeks.", "topics": [topic], "level": "provider_routine", "signs": [], "intent": "ask_duration", "confidence": 0.9, "changed": differences and ["topics"], "ms": 12.0}

    def about(self) -> dict[str, Any]:
        topics = [{"id": one, "title": title} for one, title in TITLES.items() if one != "no_answer"]
        return {
            "topics": topics, "kinds": [{"id": "no_answer", "title": TITLES["no_answer"]}, {"id": "triage", "title": "One's own bumps"}], "labels": [one["id"] for one in topics],
            "signs": [{"id": "ws.swelling", "title": "Swelling near the eye", "level": "urgent_same_day", "group": "eyes"}, {"id": "ws.fever", "title": "Fever in a baby", "level": "emergency_now", "group": "baby"}],
            "levels": [{"id": one, "title": title} for one, title in zip(LEVELS, ("See a provider some time", "See a provider soon", "Be seen today", "Emergency help now"))],
            "scenes": [{"id": "newborn", "title": "About a newborn", "description": "Somebody has said that it is about a baby of two weeks."}, {"id": "warning", "title": "After a warning", "description": "A warning has been given."}],
            "intents": ["ask_duration"], "outcomes": ["fits"], "channels": ["web", "telegram"], "themes": [{"id": "unanswered.3", "title": "What it costs"}],
            "models": [{"name": name, "current": name == self.running, "made_at": at(age)} for name, age in self.models.items()],
            "can_commit": self.can_commit, "can_save_tests": self.can_save, "upload": {"bytes": 2_000_000, "rows": 2000, "formats": ["csv", "jsonl"]}, "article": SOURCE, "low_confidence": 0.5,
        }  # fmt: skip

    def statistics(self) -> dict[str, Any]:
        number = self.conversations
        days = [
            {
                "day": (NOW - timedelta(days=back)).date().isoformat(), "channel": channel, "conversations": size, "turns": size * 3, "answered": size * 2, "no_answer": size // 2,
                "out_of_scope": size // 4, "fallback": size - size // 2 - size // 4, "helpful": size // 3, "not_helpful": size // 5, "warnings": {"urgent_same_day": size // 6, "provider_soon": size // 9},
            }
            for back in range(0, 30, 2)
            for channel in ("web", "telegram")
            if (size := (number * (back + 3)) // (500 if channel == "web" else 900) or (1 if number and not back else 0))
        ]  # fmt: skip
        total = {key: sum(one[key] for one in days) for key in ("conversations", "turns", "answered", "no_answer", "out_of_scope", "fallback", "helpful", "not_helpful")}
        warnings = {level: sum(one["warnings"].get(level, 0) for one in days) for level in LEVELS[1:]}
        return {
            "from": (NOW - timedelta(days=30)).isoformat(), "to": NOW.isoformat(), "channels": ["web", "telegram"], "totals": {**total, "low_confidence": total["fallback"], "warnings": warnings}, "days": days,
            "topics": [{"id": one, "title": title, "turns": total["turns"] // (step + 2), "helpful": 3, "not_helpful": 1} for step, (one, title) in enumerate(TITLES.items())] if number else [],
            "signs": [{"id": "ws.swelling", "title": "Swelling near the eye", "level": "urgent_same_day", "turns": warnings["urgent_same_day"]}] if number else [],
            "response_ms": [{"channel": "web", "p50": 14.2, "p95": 48.0, "turns": 100}, {"channel": "telegram", "p50": None, "p95": None, "turns": 0}] if number else [],
        }  # fmt: skip

    def topics(self) -> dict[str, Any]:
        rows = [{"id": one, "title": title, "facts": 4, "answers": 3, "wordings": 12, "grade": 5.5 + step * 2, "asked": 30 - step, "not_helpful": step} for step, (one, title) in enumerate(TITLES.items()) if one != "no_answer"]
        return {"topics": rows, "article": SOURCE, "version": "abc", "faults": []}

    def topic(self, name: str) -> dict[str, Any]:
        said = [
            {"role": "lead", "wordings": ["In newborns, milia mostly clear on their own.", "Milia in a newborn usually fade by themselves."], "facts": ["duration.1"], "grade": 6.1, "cues": []},
            {"role": "provider", "wordings": ["If they stay on, ask {provider}."], "facts": [], "grade": 3.0, "cues": []},
        ]
        return {
            "id": name, "title": TITLES[name], "button": "How long do they last?", "file": f"data/content/topics/{name}.yml", "grade": 6.1, "follow_ups": ["location"], "linked_from": ["removal_self"],
            "facts": [{"id": "duration.1", "text": "It typically disappears unaided.", "section": "S2", "status": "E"}], "answers": [{"when": "About a newborn", "sentences": said}, {"when": "About anybody", "sentences": said}], "asked": 12, "article": SOURCE,
        }  # fmt: skip
