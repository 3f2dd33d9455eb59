"""What voters are tried for in one study: what each is shown, and what comes of their answers.

Nothing of it is kept in memory: what is drawn for a voter follows from the arena's key, and how far they are
from their screenings in the database. A name of a sound or clip is the key's too, and opens it for that voter
alone.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from arena_ui.journey import Step, next_step, untried
from arena_ui.screening import device, headphones, languages, training
from arena_ui.tokens import Sealer
from evalharness.labels import ScreeningKind
from evalharness.people import Screening
from evalharness.records import Voter
from evalharness.settings import ScreeningSettings
from evalharness.store import Store

__all__ = ["Trials"]

FOLDER = "training"
"""In the study's folder: clips to practise on, and the one that tells whether a browser plays any."""
MOST_KNOWN = 16_384
NOT_UNDERSTOOD = "The answers were not understood. Nothing was saved; reload the page."
Taken = str | tuple[Voter, Mapping[str, Any]]
"""A sentence on what is wrong, or the voter from now on and what they are told."""


class Trials:
    """The trials of one study. Thread-safe."""

    def __init__(
        self,
        settings: ScreeningSettings,
        folder: Path,
        store: Store,
        sealer: Sealer,
        clock: Callable[[], datetime],
        *,
        sounds: bool,
        spoken: Collection[str],
    ) -> None:
        """`sounds`: whether the study's clips have sound; `spoken`: the languages that they speak."""
        self._settings, self._folder, self._store = settings, folder / FOLDER, store
        self._sealer, self._clock, self._sounds = sealer, clock, sounds
        self._spoken = {each for each in spoken if each in languages.sentences()}
        self._asks = settings.has_limits or settings.headphones or settings.languages or settings.training > 0
        self._taking = threading.Lock()
        self._through: dict[str, None] = {}

    def is_through(self, voter: Voter) -> bool:
        """Whether the voter may vote. The database is asked until they may: nobody falls behind again."""
        if not self._asks or voter.id in self._through:
            return True
        if self.step(voter) is not Step.VOTING:
            return False
        while len(self._through) >= MOST_KNOWN:
            self._through.pop(next(iter(self._through), ""), None)
        self._through[voter.id] = None
        return True

    def step(self, voter: Voter) -> Step:
        """What the voter does next."""
        return self._stand(voter)[0]

    def shown(self, voter: Voter) -> dict[str, Any]:
        """The voter's step, and what its screen needs; JSON values, and no right answer."""
        step, trials = self._stand(voter)
        content: dict[str, Any] = {}
        if step is Step.DEVICE:
            content = {"clip": self._name(voter, "clip"), "speed": self._settings.least_mbit_s > 0}
        elif step is Step.HEADPHONES:
            attempt = _tries(trials, ScreeningKind.HEADPHONES)
            names = [self._name(voter, "tones", attempt, number) for number in range(headphones.TRIALS)]
            content = {"attempt": attempt, "volume": self._name(voter, "volume"), "sounds": names}
        elif step is Step.LANGUAGE:
            language = self._untried(voter, trials)[0]
            asked = [
                {"text": each.text, "options": each.options} for each in self._sentences(voter, language)
            ]
            content = {"language": language, "sentences": asked}
        elif step is Step.TRAINING:
            pairs = [
                {side: self._name(voter, "practice", number, side) for side in ("left", "right")}
                for number, _ in enumerate(self._practices(voter))
            ]
            content = {"pairs": pairs, "duration_s": training.DURATION_S, "silent": not self._sounds}
        return {"step": step, **content}

    def take(self, voter: Voter, told: Mapping[str, object]) -> dict[str, Any] | str:
        """Judge and keep a voter's answers to their step: as `shown`, with what came of it; else a sentence.

        Answers to another step than theirs change nothing: a lost reply is asked for again without harm.
        """
        with self._taking:
            step, trials = self._stand(voter)
            if told.get("kind") != step:
                return self.shown(voter)
            judged = {
                Step.DEVICE: self._device,
                Step.HEADPHONES: self._headphones,
                Step.LANGUAGE: self._language,
                Step.TRAINING: self._training,
            }.get(step)
            if judged is None:
                return self.shown(voter)
            ending = judged(voter, told, trials)
            if isinstance(ending, str):
                return ending
            voter, said = ending
            return {**self.shown(voter), **said}

    def feedback(self, voter: Voter, number: object, answer: object) -> dict[str, Any] | None:
        """What was to be seen in a practice pair, once it is answered; None where there is no such pair."""
        practices = self._practices(voter)
        if type(number) is not int or not 0 <= number < len(practices) or answer not in training.ANSWERS:
            return None
        practice = practices[number]
        return {"right": answer == practice.better, "better": practice.better, "flaw": practice.flaw}

    def sound(self, voter: Voter, name: str) -> bytes | None:
        """The WAV file that a name opens for this voter; None where it opens none."""
        if name == self._name(voter, "volume"):
            return headphones.volume_sample()
        attempt = _tries(self._store.screenings(voter.id), ScreeningKind.HEADPHONES)
        for number, trial in enumerate(self._tones(voter, attempt)):
            if name == self._name(voter, "tones", attempt, number):
                return headphones.tones(trial)
        return None

    def clip(self, voter: Voter, name: str) -> Path | None:
        """The clip that a name opens for this voter; None where it opens none. May render it first."""
        if name == self._name(voter, "clip"):
            return training.rehearsal(self._folder, None)
        for number, practice in enumerate(self._practices(voter)):
            for side in ("left", "right"):
                if name == self._name(voter, "practice", number, side):
                    flaw = None if side == practice.better else practice.flaw
                    return training.rehearsal(self._folder, flaw)
        return None

    def _device(self, voter: Voter, told: Mapping[str, object], _: Sequence[Screening]) -> Taken:
        found = device.device_from(told)
        if isinstance(found, str):
            return found
        reason = device.unfit(found, self._settings)
        self._keep(voter, ScreeningKind.DEVICE, reason is None, {**found.as_json(), "unfit": reason})
        return voter, {"unfit": reason}

    def _headphones(self, voter: Voter, told: Mapping[str, object], trials: Sequence[Screening]) -> Taken:
        attempt = _tries(trials, ScreeningKind.HEADPHONES)
        if told.get("attempt") != attempt:  # sent twice
            return voter, {}
        right = headphones.right_answers(told.get("answers"), self._tones(voter, attempt))
        if right is None:
            return NOT_UNDERSTOOD
        passed = headphones.passes(right)
        self._keep(voter, ScreeningKind.HEADPHONES, passed, {"answers": told["answers"], "right": right})
        return voter, {} if passed else {"unfit": "headphones"}

    def _language(self, voter: Voter, told: Mapping[str, object], trials: Sequence[Screening]) -> Taken:
        language = self._untried(voter, trials)[0]
        if told.get("language") != language:  # sent twice
            return voter, {}
        asked = self._sentences(voter, language)
        right = languages.right_answers(told.get("answers"), asked)
        if right is None:
            return NOT_UNDERSTOOD
        passed = languages.passes(right)
        said = {"language": language, "answers": told["answers"], "right": right}
        self._keep(voter, ScreeningKind.LANGUAGE, passed, said)
        if not passed:
            voter = self._store.voter(voter.id)  # by now another browser may be theirs
            left = tuple(each for each in voter.languages if each != language)
            self._store.change_voter(voter.id, languages=left)
            voter = replace(voter, languages=left)
        return voter, {}

    def _training(self, voter: Voter, told: Mapping[str, object], _: Sequence[Screening]) -> Taken:
        practices = self._practices(voter)
        answers = training.answers_from(told.get("answers"), len(practices))
        if answers is None:
            return NOT_UNDERSTOOD
        right = [answer == each.better for answer, each in zip(answers, practices, strict=True)]
        flaws = [each.flaw for each in practices]
        said = {"flaws": flaws, "answers": answers, "share_right": right.count(True) / len(right)}
        self._keep(voter, ScreeningKind.TRAINING, True, said)
        return voter, {}

    def _keep(self, voter: Voter, kind: ScreeningKind, passed: bool, details: Mapping[str, Any]) -> None:
        self._store.add_screening(Screening(voter.id, kind, passed, self._clock(), details))

    def _stand(self, voter: Voter) -> tuple[Step, tuple[Screening, ...]]:
        trials = self._store.screenings(voter.id)
        left = self._untried(voter, trials)
        return next_step(self._settings, trials, sounds=self._sounds, languages=left), trials

    def _untried(self, voter: Voter, trials: Sequence[Screening]) -> tuple[str, ...]:
        return untried(voter.languages, self._spoken, trials)

    def _name(self, voter: Voter, *what: object) -> str:
        return self._sealer.secret("name", voter.id, *map(str, what))

    def _tones(self, voter: Voter, attempt: int) -> tuple[headphones.Trial, ...]:
        return headphones.trials_of(self._sealer.secret("headphones", voter.id, str(attempt)))

    def _sentences(self, voter: Voter, language: str) -> tuple[languages.Sentence, ...]:
        return languages.sentences_of(language, self._sealer.secret("language", voter.id, language))

    def _practices(self, voter: Voter) -> tuple[training.Practice, ...]:
        secret = self._sealer.secret("training", voter.id)
        return training.practices_of(secret, self._settings.training, sounds=self._sounds)


def _tries(trials: Sequence[Screening], kind: ScreeningKind) -> int:
    return sum(each.kind is kind for each in trials)
