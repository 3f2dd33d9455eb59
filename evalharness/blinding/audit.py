"""The audit: what still tells systems apart in their exhibits, and how well.

The rule. A FORM feature leaks where it differs at all between exhibits of one prompt, or holds a
word that names somebody. Loudness leaks where exhibits of one prompt differ by more than 1 LU. Other
RENDERING features leak where systems can be guessed from them better than by chance; where they
merely differ they are warnings. CONTENT is only ever a warning. `accept` turns a named leak into a
warning: an owner who knows that one system's clips are square may go on, and the report says so.

Copies that were spoiled on purpose stand for no system and are in none of this; they may not differ in FORM
from the exhibits of their prompt, or voters know which pairs test them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from evalharness.blinding.features import KINDS, Kind, Observation, observe
from evalharness.blinding.guessing import Guess, Value, columns, guess
from evalharness.blinding.looks import standing_marks
from evalharness.errors import BlindingError, UnknownNameError
from evalharness.records import Exhibit

__all__ = ["AuditReport", "Finding", "audit_exhibits", "judge"]

LOUDNESS = "sound.loudness_lufs"
WORDS = "file.words"
MARK = "picture.mark"
LOUDNESS_TOLERANCE_LU = 1.0
SHOWN = 60


@dataclass(frozen=True, slots=True)
class Finding:
    """One feature that differs between systems."""

    feature: str
    kind: Kind
    leak: bool
    """Whether it fails the audit; else it is a warning."""
    sentence: str
    guess: Guess | None = None


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What an audit found."""

    exhibits: int
    systems: tuple[str, ...]
    prompts: int
    findings: tuple[Finding, ...]
    """Leaks first."""
    guesses: Mapping[str, Guess]
    """Per feature, and for `all form`, `all rendering`, `all content` and `everything` together."""
    values: Mapping[str, Mapping[str, tuple[Value, ...]]]
    """Feature to system to the values of its exhibits, in order of prompts."""
    notes: tuple[str, ...] = ()

    @property
    def leaks(self) -> tuple[Finding, ...]:
        """What fails the audit."""
        return tuple(finding for finding in self.findings if finding.leak)

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """What differs and does not fail it."""
        return tuple(finding for finding in self.findings if not finding.leak)

    def require_blind(self) -> None:
        """Raise BlindingError with a sentence that names each leaking feature, or return quietly."""
        if self.leaks:
            many = f"{len(self.leaks)} features tell" if len(self.leaks) > 1 else "One feature tells"
            raise BlindingError(
                f"{many} exhibits apart. "
                + " ".join(finding.sentence for finding in self.leaks)
                + " Blind the study again, or accept a feature by name if it lies in the clips themselves."
            )


def audit_exhibits(
    exhibits: Sequence[Exhibit],
    folder: Path,
    *,
    words: Iterable[str] = (),
    accept: Iterable[str] = (),
    spoiled: Sequence[Exhibit] = (),
    seed: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> AuditReport:
    """Measure every exhibit's file under `folder` and judge what differs.

    spoiled: copies that were made with these exhibits and spoiled on purpose.
    words: further names to look for in the files (vendors, models); systems' names always are.
    accept: features that may differ. Raises MediaError where a file is missing or broken and
    UnknownNameError where `accept` names no feature.
    """
    names = {*words, *(exhibit.clip.system for exhibit in exhibits)}
    seen: list[Observation] = []
    everything = (*exhibits, *spoiled)
    for done, exhibit in enumerate(everything, start=1):
        seen.append(observe(folder / exhibit.path, names))
        if progress:
            progress(done, len(everything))
    report = judge(exhibits, seen[: len(exhibits)], accept=accept, seed=seed)
    told = _telling_copies(everything, seen)
    return replace(report, findings=(*told, *report.findings))


def judge(
    exhibits: Sequence[Exhibit], seen: Sequence[Observation], *, accept: Iterable[str] = (), seed: int = 1
) -> AuditReport:
    """The audit's verdict on observations, one for each exhibit in the same order."""
    systems = [exhibit.clip.system for exhibit in exhibits]
    prompts = [exhibit.prompt_id for exhibit in exhibits]
    accepted = frozenset(accept)
    features = {name: [each.features.get(name) for each in seen] for name in _names(seen)}
    unknown = accepted - set(features) - {MARK}
    if unknown and seen:
        raise UnknownNameError(
            f"There is no feature '{min(unknown)}' to accept. Known: {', '.join([*features, MARK])}."
        )
    guesses = _guesses(features, systems, prompts, seed)
    found = [
        finding
        for name, values in features.items()
        if (finding := _judge(name, values, systems, prompts, guesses.get(name), accepted)) is not None
    ]
    found += _marks(exhibits, seen)
    notes = []
    if len(set(prompts)) < 2 or len(set(systems)) < 2:
        notes.append(
            "With fewer than two systems or two prompts nobody can learn a system's habits, so no guessing "
            "was tried; only differences within a prompt were looked for."
        )
    return AuditReport(
        exhibits=len(exhibits),
        systems=tuple(sorted(set(systems))),
        prompts=len(set(prompts)),
        findings=tuple(sorted(found, key=lambda finding: (not finding.leak, finding.feature))),
        guesses=guesses,
        values=_by_system(features, systems, prompts),
        notes=tuple(notes),
    )


def _telling_copies(exhibits: Sequence[Exhibit], seen: Sequence[Observation]) -> list[Finding]:
    """Leaks by which spoiled copies can be told from every other exhibit of their prompt."""
    beside: dict[str, list[Observation]] = defaultdict(list)
    for exhibit, each in zip(exhibits, seen, strict=True):
        if exhibit.flaw is None:
            beside[exhibit.prompt_id].append(each)
    told: dict[str, Finding] = {}
    for exhibit, copy in zip(exhibits, seen, strict=True):
        if exhibit.flaw is None:
            continue
        for name, value in copy.features.items():
            others = {each.features.get(name) for each in beside[exhibit.prompt_id]}
            if KINDS.get(name, Kind.FORM) is Kind.FORM and value not in others:
                sentence = (
                    f"{name} tells the copy spoiled on purpose of '{exhibit.prompt_id}', which has "
                    f"{_short(value)}, from the exhibits beside it: voters can find the pairs that test them."
                )
                told.setdefault(name, Finding(name, Kind.FORM, leak=True, sentence=sentence))
    return list(told.values())


def _names(seen: Sequence[Observation]) -> list[str]:
    return sorted({name for each in seen for name in each.features})


def _guesses(
    features: Mapping[str, Sequence[Value]], systems: Sequence[str], prompts: Sequence[str], seed: int
) -> dict[str, Guess]:
    tables = {name: columns(values) for name, values in features.items()}
    for kind in Kind:
        members = [tables[name] for name in features if KINDS.get(name, Kind.FORM) is kind]
        if members:
            tables[f"all {kind}"] = np.column_stack(members)
    if features:
        tables["everything"] = np.column_stack([tables[name] for name in features])
    tried = {name: guess(systems, prompts, table, seed=seed) for name, table in tables.items()}
    return {name: result for name, result in tried.items() if result is not None}


def _judge(
    name: str,
    values: Sequence[Value],
    systems: Sequence[str],
    prompts: Sequence[str],
    guessed: Guess | None,
    accepted: frozenset[str],
) -> Finding | None:
    kind = KINDS.get(name, Kind.FORM)
    differing = _differing(name, values, prompts)
    named = name == WORDS and any(values)
    tells = guessed is not None and guessed.tells
    if not (differing or named) or (kind is Kind.CONTENT and not tells):
        return None
    leak = kind is Kind.FORM or (kind is Kind.RENDERING and (tells or name == LOUDNESS))
    sentence = _sentence(name, values, systems, prompts, differing, guessed)
    if leak and name in accepted:
        leak, sentence = False, f"{sentence} Accepted by the study's owner."
    elif kind is Kind.CONTENT:
        sentence += " It lies in what the clips show and cannot be taken away without altering them."
    return Finding(name, kind, leak, sentence, guessed)


def _differing(name: str, values: Sequence[Value], prompts: Sequence[str]) -> list[str]:
    """Prompts on which the exhibits' values are not all the same (for loudness: not nearly)."""
    by_prompt: dict[str, list[Value]] = defaultdict(list)
    for prompt, value in zip(prompts, values, strict=True):
        by_prompt[prompt].append(value)
    return [prompt for prompt, group in by_prompt.items() if not _alike(name, group)]


def _alike(name: str, values: Sequence[Value]) -> bool:
    if name == LOUDNESS:
        levels = [value for value in values if isinstance(value, float)]
        return not levels or max(levels) - min(levels) <= LOUDNESS_TOLERANCE_LU
    return len(set(values)) == 1


def _sentence(
    name: str,
    values: Sequence[Value],
    systems: Sequence[str],
    prompts: Sequence[str],
    differing: Sequence[str],
    guessed: Guess | None,
) -> str:
    if name == WORDS and any(values):
        where = next(index for index, value in enumerate(values) if value)
        return (
            f"{name}: the exhibit of '{systems[where]}' on prompt '{prompts[where]}' contains the words "
            f"{values[where]}."
        )
    prompt = differing[0]
    shown = ", ".join(
        f"'{system}' {_short(value)}"
        for system, of, value in zip(systems, prompts, values, strict=True)
        if of == prompt
    )
    guessing = f"; systems guessed from it: {guessed}" if guessed is not None else ""
    share = f"{len(differing)} of {len(set(prompts))} prompts"
    return f"{name} differs on {share} (on '{prompt}': {shown}){guessing}."


def _short(value: Value) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, tuple):
        return "/".join(f"{part:g}" for part in value)
    text = "none" if value is None else str(value) or "empty"
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"


def _marks(exhibits: Sequence[Exhibit], seen: Sequence[Observation]) -> list[Finding]:
    """Warnings for marks that stand in one place through a system's clips."""
    if len({each.still_edges.shape for each in seen}) != 1:
        return []
    edges: dict[str, dict[str, list[np.ndarray[tuple[int, ...], np.dtype[np.bool_]]]]] = {}
    for exhibit, each in zip(exhibits, seen, strict=True):
        edges.setdefault(exhibit.clip.system, {}).setdefault(exhibit.prompt_id, []).append(each.still_edges)
    return [
        Finding(
            MARK,
            Kind.CONTENT,
            leak=False,
            sentence=(
                f"{MARK}: something stands still between x {mark.left} and {mark.right}, y {mark.top} and "
                f"{mark.bottom} in nearly all exhibits of '{mark.system}' and few of the others: look there "
                "for a watermark. It is burned into the clips; ask for clips without it."
            ),
        )
        for mark in standing_marks(edges)
    ]


def _by_system(
    features: Mapping[str, Sequence[Value]], systems: Sequence[str], prompts: Sequence[str]
) -> dict[str, dict[str, tuple[Value, ...]]]:
    order = sorted(range(len(prompts)), key=lambda index: prompts[index])
    return {
        name: {
            system: tuple(values[index] for index in order if systems[index] == system)
            for system in sorted(set(systems))
        }
        for name, values in features.items()
    }
