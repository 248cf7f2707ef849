"""What the bot says to a message: composes one reply from the content, for this person, in this conversation.

Pure: a reading and the conversation's state go in, a turn comes out. The order is that of care: warning signs, the guided
check in progress, then what the message asks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from milia.check import Check, CheckState, CheckTurn
from milia.content import TYPE, UNDER_18, Answer, Content, Sentence, Situation, Theme, load_content
from milia.conversation import Button, State, Turn
from milia.follow_up import lean_on_context
from milia.labels import CHITCHAT, NO_ANSWER, OUT_OF_SCOPE, PHOTO, RED_FLAG, TREATMENTS, TRIAGE, reported
from milia.reading import Reading
from milia.sign_messages import escalation, general_advice, sentences
from milia.triage_table import load_table
from milia.warning_signs import Level, SignCatalog, load_signs
from milia.wording import Chooser, Phrases, load_phrases

START_CHECK = "/start_check"
_MOST_BUTTONS = 3
# Bare searches for a type, and the like, are answered with at most three sentences after the first.
_MOST_MORE = 3
_WANTS_CHECK = re.compile(
    r"^\W*(?:ok|okay|yes|please|pls|can we|can i|can you|lets|let's|i want to|i'd like to)?\W*"
    r"(?:do|start|take|run|try|go through|begin)\W+(?:the |a |that |your |this )?(?:short |guided |little )?(?:check|quiz|comparison)\b",
    re.IGNORECASE,
)
# In the check a bare age or time is an answer, if to another question than the one asked; the classifier takes it for a question.
_BARE_TIME = re.compile(
    r"\W*(?:(?:about|around|for|since|like|maybe|over|almost|nearly|only|just|ca|approx)\W+)*"
    r"[\w.,-]+\s*(?:hours?|days?|wks?|weeks?|months?|mos?|mths?|years?|yrs?)(?:\s+(?:old|ago|now))?\W*",
    re.IGNORECASE,
)
# In the order in which the answer on types names them.
_TYPES = tuple(f"type_{one}" for one in TYPE)
_CARE = frozenset({"treatment_home", "prevention", "prevention_sun", "prevention_wash", "prevention_exfoliate"})
_TREATMENT_TOPICS = frozenset({*TREATMENTS, "prevention_exfoliate"})


@dataclass
class Draft:
    """A reply in the making."""

    sentences: list[str]
    facts: list[str]

    def say(self, chooser: Chooser, sentence: Sentence) -> None:
        """Add a statement with its facts."""
        self.add(chooser.of(sentence.wordings))
        self.facts += [fact for fact in sentence.facts if fact not in self.facts]

    def add(self, text: str) -> None:
        """Add a text, without those of its sentences that were said already."""
        self.sentences += [one for one in sentences(text) if one not in self.sentences]


class Dialogue:
    """Answers messages from one set of content.

    Args:
        content: topics, facts and themes.
        phrases: the joining sentences.
        catalog: the warning signs.
        check: the guided check.
        region: whose emergency numbers are named; empty for the default.
    """

    def __init__(self, content: Content, phrases: Phrases, catalog: SignCatalog, check: Check, region: str = "") -> None:
        self.content, self.phrases, self.catalog, self.check, self.region = content, phrases, catalog, check, region

    def respond(self, reading: Reading, state: State, conversation: str) -> Turn:
        """Answer one message.

        Args:
            reading: the message.
            state: the memory before it; the warning signs of the message are in it already.
            conversation: its id, which settles the choice of wordings.
        """
        state = replace(state, turn=state.turn + 1)
        chooser = Chooser(conversation, state.turn)
        reading, state = lean_on_context(reading, state, self.content, self.phrases)
        turn = self._turn(reading, state, chooser)
        return replace(turn, signs=tuple(dict.fromkeys((*state.sign_now, *turn.signs))))

    # ------------------------------------------------------------------------------------------------- the order of care
    def _turn(self, reading: Reading, state: State, chooser: Chooser) -> Turn:
        if reading.language not in ("en", ""):
            return Turn(replace(state, miss=0), response="utter_english_only")
        if state.check is not None:
            turn = self._in_check(reading, state, chooser)
            if turn is not None:
                return turn
        wants_check = state.offer == "check" and (reading.labels[:1] == ("affirm",) or "check" in reading.words[:5])
        if reading.text == START_CHECK or wants_check or _WANTS_CHECK.search(reading.text):
            return self._start_check(reading, state, chooser)
        blocking = [s for s in state.sign_now if self.catalog[s].blocking and self.catalog[s].level == Level.PROVIDER_SOON]
        if blocking:
            return self._see_soon(blocking, reading, state)
        return self._answer(reading, state, chooser)

    def _audience(self, state: State) -> str:
        who = state.mentions.who
        return {"newborn": "baby", "baby": "baby", "infant": "baby", "child": "child", "teen": "child"}.get(
            who or "", "adult" if who == "adult" else "unknown"
        )

    def _see_soon(self, signs: Sequence[str], reading: Reading, state: State) -> Turn:
        """A blocking sign of level 2: the action, and no facts beside it."""
        reply = escalation(state.sign_now, self.catalog, self.region, self._audience(state))
        buttons = (Button(self.phrases["check_button"][0], START_CHECK),)
        return self._done(state, reply.text, buttons, topics=(TRIAGE,), offer="check")

    # -------------------------------------------------------------------------------------------------- the guided check
    def _start_check(self, reading: Reading, state: State, chooser: Chooser) -> Turn:
        known = dict(self.check.interpret(None, str(state.situation.get("described", ""))).answers)
        turn = self.check.start(known, state.sign, not_baby=state.mentions.who == "adult")
        return self._check_turn(turn, replace(state, offer="", miss=0))

    def _in_check(self, reading: Reading, state: State, chooser: Chooser) -> Turn | None:
        assert state.check is not None
        check = CheckState.from_dict(state.check)
        if reading.pressed:
            if reading.choice:
                return self._check_turn(self.check.take(check, reading.choice), state)
            return None
        said = self.check.interpret(check, reading.text)
        asks = [one for one in reading.labels if one in self.content.topics or one == NO_ANSWER]
        answers = bool(said) or (_BARE_TIME.fullmatch(reading.text) and "?" not in reading.text)
        if asks and (not answers or "?" in reading.text) and not said.control:
            aside = self._answer(replace(reading, labels=tuple(asks)), replace(state, check=None), chooser)
            again = self.check.ask(check)
            return replace(
                self._check_turn(again, replace(aside.state, check=state.check)),
                text=f"{aside.text}\n{again.text}",
                topics=tuple(dict.fromkeys((*aside.topics, TRIAGE))),
                facts=tuple(dict.fromkeys((*aside.facts, *again.facts))),
            )
        if "start_over" in reading.labels and not said:
            return None
        return self._check_turn(self.check.take(check, said.plus_signs(state.sign_now)), state)

    def _check_turn(self, turn: CheckTurn, state: State) -> Turn:
        level, earlier = max(Level.from_id(state.level), turn.level), frozenset(state.sign)
        signs = tuple(dict.fromkeys((*state.sign, *turn.signs)))
        ended = turn.assessment
        if ended is not None:
            level = max(level, ended.level)
            signs = tuple(dict.fromkeys((*signs, *ended.signs)))
        buttons = tuple(Button(title, f'/answer_check{{"choice": "{choice}"}}') for title, choice in turn.buttons)
        state = replace(
            state,
            check=turn.state.to_dict() if turn.state else None,
            level=level.id,
            sign=signs,
            topic=(),
            theme="",
            miss=0,
            option=tuple(button.payload for button in buttons),
            offer="",
        )
        # A skipped warning screen sets the level without a sign: then the check's own text says what to do today.
        urgent = ended is not None and any(self.catalog[s].level >= Level.URGENT_SAME_DAY for s in ended.signs)
        if urgent and ended is not None:
            state = replace(state, outcome=ended.outcome, sign_now=tuple(dict.fromkeys((*state.sign_now, *ended.signs))))
        return Turn(
            state,
            turn.text,
            buttons=buttons,
            topics=() if level >= Level.URGENT_SAME_DAY else (TRIAGE,),
            facts=turn.facts,
            signs=tuple(s for s in (ended.signs if ended else turn.signs) if s not in earlier),
            outcome=ended.outcome if ended else None,
            check_question=turn.state is not None,
            escalate=urgent,
        )

    # ---------------------------------------------------------------------------------------------------- what was asked
    def _answer(self, reading: Reading, state: State, chooser: Chooser) -> Turn:
        labels = [one for one in reading.labels if one != RED_FLAG]
        if state.sign_supposed and not set(labels) & set(self.content.topics):
            labels = [NO_ANSWER]  # "what if ...": the advice is the answer
        elif not reading.labels or not reading.words:
            return self._unclear(reading, state, chooser)
        small_talk = [one for one in labels if one in CHITCHAT]
        asked = [one for one in labels if one not in CHITCHAT]
        if not asked and small_talk:
            return self._small_talk(small_talk[0], state, chooser)
        if OUT_OF_SCOPE in asked and len(asked) > 1:
            asked.remove(OUT_OF_SCOPE)
        if asked == [OUT_OF_SCOPE]:
            return self._done(replace(state, miss=0), "", topics=(OUT_OF_SCOPE,), response="utter_out_of_scope")
        if asked == [PHOTO]:
            button = Button(self.phrases["check_button"][0], START_CHECK)
            return self._done(state, "", (button,), topics=(PHOTO,), response="utter_photo", offer="check")
        if reading.rivals and not reading.pressed and set(reading.rivals) <= set(self.content.topics):
            return self._which(reading.rivals, state, chooser)
        return self._compose(asked or [TRIAGE], reading, state, chooser)

    def _compose(self, asked: Sequence[str], reading: Reading, state: State, chooser: Chooser) -> Turn:
        situation, message = state.mentions.situation(), reading.text
        withheld = self._withheld(state)
        topics = [one for one in asked if one in self.content.topics and one not in withheld]
        if withheld & set(asked) and NO_ANSWER not in asked:
            asked = [*asked, NO_ANSWER]
        draft = Draft([], [])
        describes = TRIAGE in asked
        theme = self._theme(reading, state) if NO_ANSWER in asked else None
        if PHOTO in asked:
            draft.add(chooser.of(self.phrases["photo.with_description"]))
        for sign in state.sign_supposed:
            draft.add(general_advice(self.catalog[sign], self.catalog, self.region))
        if describes and (topics or theme or NO_ANSWER in asked):
            draft.add(chooser.of(self.phrases["describe.short"]))
        elif describes:
            draft.add(chooser.of(self.phrases["describe.lead"]))
            for statement in self.phrases.describe_more:
                draft.say(chooser, statement)
        room = {0: 0, 1: _MOST_MORE - describes}.get(len(topics), 1 if len(topics) == 2 else 0)
        if theme or NO_ANSWER in asked:
            room = min(room, 1)
        provider: tuple[str, ...] = ()
        for topic in topics:
            provider = self._say_topic(draft, topic, situation, message, room, chooser, withheld) or provider
        if NO_ANSWER in asked and theme is None and state.sign_supposed:
            provider = self.phrases["hypothetical_close"]
        elif NO_ANSWER in asked:
            provider = self._say_unanswered(draft, theme, situation, chooser, withheld) or provider
        for sign in state.sign_now:
            if self.catalog[sign].level == Level.PROVIDER_SOON:
                for sentence in sentences(self.catalog[sign].say):
                    draft.add(sentence)
        if describes:
            provider = self.phrases["describe.provider"]
            if state.check is None:
                draft.add(chooser.of(self.phrases["describe.offer"]))
        close = self._close(state, provider, chooser, situation)
        state = replace(
            state,
            topic=tuple(topics) or ((TRIAGE,) if describes else ()),
            theme=theme.id if theme else "",
            offer="check" if describes else "",
            miss=0,
        )
        buttons = self._buttons(topics, describes, state)
        return self._done(
            replace(state, option=tuple(b.payload for b in buttons)),
            " ".join([*draft.sentences, close]),
            buttons,
            topics=reported(one for one in asked if one not in withheld),
            facts=tuple(draft.facts),
            offer=state.offer,
        )

    def _withheld(self, state: State) -> frozenset[str]:
        """Return the topics that a sign keeps back (triage table, section 7)."""
        return _TREATMENT_TOPICS if "ws.pregnancy_treatment" in state.sign else frozenset()

    def _say_topic(
        self,
        draft: Draft,
        topic: str,
        situation: Situation,
        message: str,
        room: int,
        chooser: Chooser,
        withheld: frozenset[str],
    ) -> tuple[str, ...]:
        answer: Answer = self.content.topics[topic].answer_for(situation)
        focus = [one for one in self.content.topics[topic].focus_for(situation, message) if not _states(one.sentence, withheld)]
        leads = [one for one in focus if one.leads]
        draft.say(chooser, leads[0].sentence if leads else answer.lead)
        more = [one.sentence for one in focus if one not in leads[:1]] + list(answer.more)
        for sentence in [one for one in more if not _states(one, withheld)][:room]:
            draft.say(chooser, sentence)
        return answer.provider

    def _say_unanswered(
        self,
        draft: Draft,
        theme: Theme | None,
        situation: Situation,
        chooser: Chooser,
        withheld: frozenset[str],
    ) -> tuple[str, ...]:
        if theme is None:
            draft.add(chooser.of(self.content.unanswered.lead))
            return self.content.unanswered.provider
        draft.add(chooser.of(theme.lead))
        for sentence in theme.nearest_for(situation):
            if not _states(sentence, withheld):
                draft.say(chooser, sentence)
        return theme.provider

    def _theme(self, reading: Reading, state: State) -> Theme | None:
        """Return the theme of a question that the article does not answer: by its own words, else by likeness."""
        themes = self.content.unanswered.themes
        nearest, similarity = reading.theme
        named = [theme for theme in themes.values() if theme.named_in(reading.text)]
        if any(theme.id == nearest for theme in named):
            return themes[nearest]
        if len(named) == 1:
            return named[0]
        if nearest in themes and similarity >= (0.45 if named else 0.55):
            return themes[nearest]
        return None

    def _close(self, state: State, provider: Sequence[str], chooser: Chooser, situation: Situation) -> str:
        wordings = tuple(provider) or self.phrases["close"]
        level = Level.from_id(state.level)
        if level >= Level.URGENT_SAME_DAY:
            wordings = self.phrases["urgent_reminder"]
        elif level == Level.PROVIDER_SOON:
            wordings = self.phrases["soon"]
        return self.content.fill(chooser.of(wordings), situation.who)

    # ------------------------------------------------------------------------------------------------------ other replies
    def _small_talk(self, kind: str, state: State, chooser: Chooser) -> Turn:
        if kind == "ask_more" and state.topic and state.topic != (TRIAGE,):
            return self._more(state, chooser)
        if kind == "start_over":
            kept = State(sign=state.sign, sign_context=state.sign_context, level=state.level, turn=state.turn)
            kept = replace(kept, help_under_way=state.help_under_way, sign_now=state.sign_now)
            return self._done(kept, "", self._menu(), topics=("chitchat",), response="utter_start_over")
        if kind == "help_under_way" and not state.help_under_way:
            kind = "affirm"  # nothing urgent was told, or the words deny it: no praise for help that nobody asked for
        with_menu = kind in ("greet", "ask_help", "ask_bot", "abuse", "ask_more", "affirm")
        return self._done(
            state, "", self._menu() if with_menu else (), topics=("chitchat",), response=f"utter_{kind}"
        )

    def _more(self, state: State, chooser: Chooser) -> Turn:
        """Tell the details of the last topic."""
        situation, draft = state.mentions.situation(), Draft([], [])
        provider: tuple[str, ...] = ()
        for topic in state.topic:
            answer = self.content.topics[topic].answer_for(situation)
            provider = answer.provider
            more = [one for one in (*answer.more[1:], *answer.details) if not _states(one, self._withheld(state))]
            for sentence in more[:4]:
                draft.say(chooser, sentence)
        told = tuple(topic for topic in state.topic if any(f.startswith(f"{topic}.") for f in draft.facts))
        if not draft.sentences:
            draft.add(chooser.of(self.phrases["nothing_more"]))
        close = self._close(state, provider, chooser, situation)
        text = " ".join([*draft.sentences, close])
        buttons = self._buttons(state.topic, False, state)
        return self._done(state, text, buttons, topics=told or ("chitchat",), facts=tuple(draft.facts))

    def _which(self, rivals: Sequence[str], state: State, chooser: Chooser) -> Turn:
        buttons = tuple(Button(self.content.topics[one].button, f"/ask_{one}") for one in rivals)
        close = self._close(state, (), chooser, state.mentions.situation())
        return self._done(replace(state, miss=0), f"{chooser.of(self.phrases['which'])} {close}", buttons)

    def _unclear(self, reading: Reading, state: State, chooser: Chooser) -> Turn:
        state = replace(state, miss=state.miss + 1)
        close = self._close(state, (), chooser, state.mentions.situation())
        if reading.mentions.to_dict().keys() & {"who", "area", "type", "before"} and state.miss == 1:
            return self._done(state, f"{chooser.of(self.phrases['about'])} {close}", self._menu())
        name = "unclear_again" if state.miss > 1 else "unclear"
        return self._done(state, f"{chooser.of(self.phrases[name])} {close}", self._menu())

    def _menu(self) -> tuple[Button, ...]:
        topics = ("definition", "duration")
        found = [Button(self.content.topics[one].button, f"/ask_{one}") for one in topics]
        return (*found, Button(self.phrases["check_button"][0], START_CHECK))

    def _buttons(self, topics: Iterable[str], describes: bool, state: State) -> tuple[Button, ...]:
        """Return what people ask next: the check for a description, then what follows the topics answered."""
        buttons = [Button(self.phrases["check_button"][0], START_CHECK)] if describes else []
        answered, withheld = set(topics), self._withheld(state)
        if state.mentions.situation().who in UNDER_18:
            withheld |= _CARE  # a routine is not even offered for a child
        following = [one for topic in topics for one in self.content.topics[topic].follow_ups]
        if not answered:
            following = ["duration", "removal_self"] if describes else ["definition", "see_provider", "duration"]
        for one in dict.fromkeys([*following, "see_provider", "duration", "harmless"][: len(following) + 3]):
            if one not in answered and one not in withheld and len(buttons) < _MOST_BUTTONS:
                buttons.append(Button(self.content.topics[one].button, f"/ask_{one}"))
        return tuple(buttons)

    def _done(
        self,
        state: State,
        text: str,
        buttons: tuple[Button, ...] = (),
        *,
        topics: tuple[str, ...] = (),
        facts: tuple[str, ...] = (),
        response: str = "",
        offer: str = "",
    ) -> Turn:
        """Finish a turn: what was offered is remembered, so that "yes" and "the last one" can be understood."""
        listed = _TYPES if "types" in topics else tuple(t for t in topics if t in self.content.topics)
        if len(listed) < 2 or set(listed) == set(TREATMENTS):
            listed = ()
        state = replace(state, offer=offer, option=tuple(button.payload for button in buttons), listed=listed)
        return Turn(state, text, response, buttons, topics, facts)


def _states(sentence: Sentence, topics: frozenset[str]) -> bool:
    """Tell whether a sentence states a fact of one of these topics."""
    return any(fact.partition(".")[0] in topics for fact in sentence.facts)


@lru_cache(maxsize=2)
def load_dialogue(root: Path, region: str = "") -> Dialogue:
    """Load the content of a project folder and return its dialogue.

    Raises:
        ContentError: the content is not in order.
    """
    folder = root / "data" / "content"
    catalog = load_signs(folder / "warning_signs.yml")
    check = Check(load_table(folder / "triage.yml"), catalog, region)
    return Dialogue(load_content(folder), load_phrases(folder / "replies.yml"), catalog, check, region)
