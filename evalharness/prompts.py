"""Prompt suites: JSON Lines files, one prompt a line, checked as they are read.

    {"id": "t2v-ice-river-01", "task": "text_to_video", "text": "…", "language": "en", "licence": "CC0-1.0"}

A line has exactly the fields of `records.Prompt`; `spoken`, `reading`, `first_frame` and `references` (paths
relative to the suite's file) and `tags` may be left out. What does not validate is a SuiteError of one
sentence: file and line, field, what was found, what is allowed.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from evalharness.config import PromptSettings
from evalharness.data import data_folder
from evalharness.errors import SuiteError
from evalharness.mentions import called
from evalharness.records import Category, Prompt, Task

__all__ = ["builtin_suites", "load_suite", "load_suites"]

SUFFIX = ".jsonl"

_Text = Annotated[str, Field(pattern=r"^\S(.*\S)?$")]
_Tag = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*(:[a-z0-9][a-z0-9-]*)?$")]

MOST_REFERENCES = 30
"""Of one prompt: no vendor takes more."""

_ALLOWED = {
    "id": "letters, digits, '.', '_' and '-', at most 80 of them",
    "task": " or ".join(Task),
    "text": "one line of text without white space around it",
    "language": "a language tag such as zh, yue, en, ja, ko, fr, de or pt-BR",
    "licence": "an SPDX identifier such as CC0-1.0",
    "spoken": "one line of text without white space around it, or leave the field out",
    "reading": "one line of text without white space around it, or leave the field out",
    "first_frame": "the path of a picture relative to the suite's file, or leave the field out",
    "tags": "a list of lower-case words such as 'animals' or 'scene:ball'",
    "references": "a list of paths of pictures relative to the suite's file, or leave the field out",
}

_READINGS = {
    "zh": (
        re.compile(r"(?:(?:[a-zü]+[1-5])+[,.?!]?(?: |$))+"),
        "pinyin in lower case with a tone digit from 1 to 5 after every syllable, words apart",
    ),
    "ja": (re.compile(r"[ぁ-ゖァ-ヺー、。？！ ]+"), "kana alone, with 、。？！ and spaces"),
}
"""What a reading must look like, where a language needs one."""

_SEED_ENDING = re.compile(r"(?:__|_s)-?\d+$")


class _Line(BaseModel):
    """One line of a suite as it is written."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=80)]
    task: Task
    text: _Text
    language: Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]
    licence: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.+-]*$")]
    spoken: _Text | None = None
    reading: _Text | None = None
    first_frame: _Text | None = None
    tags: tuple[_Tag, ...] = ()
    references: tuple[_Text, ...] = ()


def builtin_suites() -> Mapping[str, Path]:
    """The suites that come with evalharness: name -> file, in order of name."""
    return {file.stem: file for file in sorted((data_folder() / "prompts").glob(f"*{SUFFIX}"))}


def load_suites(settings: PromptSettings, folder: Path) -> tuple[Prompt, ...]:
    """The prompts a study asks for: its suites in their order, then its filters.

    `folder` is the study's, against which paths of suites count. A prompt stays if its id is in
    `ids`, its language in `languages` and one of its tags in `tags` (an empty list lets all pass); of
    those that stay the first `limit_per_category` of each category are taken.

    Raises SuiteError when a suite does not validate, an id occurs twice, a filter names something
    that no prompt has, or nothing is left.
    """
    first_seen: dict[str, str] = {}
    prompts: list[Prompt] = []
    for suite in settings.suites:
        for where, prompt in _read(_find(suite, folder)):
            if prompt.id in first_seen:
                raise SuiteError(
                    f"{where}: id: found '{prompt.id}', which {first_seen[prompt.id]} has already; "
                    "an id may occur once in all suites of a study."
                )
            first_seen[prompt.id] = where
            prompts.append(prompt)
    return _filter(prompts, settings)


def load_suite(suite: str | Path, folder: Path = Path()) -> tuple[Prompt, ...]:
    """All prompts of one suite, given by the name of a built-in one or the path of a .jsonl file.

    Raises SuiteError as `load_suites` does.
    """
    return load_suites(PromptSettings(suites=[str(suite)]), folder)


def _find(suite: str, folder: Path) -> Path:
    """The file of a suite."""
    if suite.endswith(SUFFIX):
        file = folder / suite
        if not file.is_file():
            raise SuiteError(
                f"The prompt suite '{suite}' is not there: {file.resolve()} is no file. "
                f"Paths of suites count from the study's folder."
            )
        return file.resolve()
    known = builtin_suites()
    if suite not in known:
        raise SuiteError(
            f"There is no prompt suite '{suite}': {_nearest(suite, known)}"
            f"Known: {', '.join(known)}; for one of your own give the path of a {SUFFIX} file."
        )
    return known[suite]


def _read(file: Path) -> Iterable[tuple[str, Prompt]]:
    """Each prompt of a file with its place, as `name.jsonl:line`."""
    try:
        lines = file.read_text(encoding="utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise SuiteError(f"{file.name} is not UTF-8 text: byte {error.start} cannot be decoded.") from error
    numbered = [(number, line) for number, line in enumerate(lines, start=1) if line.strip()]
    if not numbered:
        raise SuiteError(f"{file.name} is empty: a suite holds one prompt a line, at least one.")
    for number, line in numbered:
        where = f"{file.name}:{number}"
        yield where, _prompt(line, where, file.parent)


def _prompt(text: str, where: str, beside: Path) -> Prompt:
    """One line as a record, or a SuiteError that says what is wrong with it."""
    try:
        found = json.loads(text, object_pairs_hook=_distinct)
        if not isinstance(found, dict):
            raise ValueError(f"a line is one JSON object, found {_shown(found)}")
        line = _Line.model_validate_json(text)
    except RecursionError:
        raise SuiteError(f"{where}: not a prompt in JSON: it is nested too deep.") from None
    except ValidationError as error:
        raise SuiteError(f"{where}: {_first_problem(error, found)}") from error
    except ValueError as error:
        raise SuiteError(f"{where}: not a prompt in JSON: {error}.") from error
    for field, problem in _disagreements(line):
        raise SuiteError(f"{where}: {field}: {problem}.")
    first_frame = line.first_frame and _picture(line.first_frame, f"{where}: first_frame", beside)
    references = tuple(_picture(path, f"{where}: references", beside) for path in line.references)
    return Prompt(
        **line.model_dump(exclude={"first_frame", "references"}),
        first_frame=first_frame,
        references=references,
        pictures=tuple(
            hashlib.sha256(Path(path).read_bytes()).hexdigest() for path in (first_frame, *references) if path
        ),
    )


def _distinct(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object, refused where a key stands twice (JSON itself would keep the last in silence)."""
    keys = [key for key, _ in pairs]
    for key in keys:
        if keys.count(key) > 1:
            raise ValueError(f"the field '{key}' stands there {keys.count(key)} times")
    return dict(pairs)


def _first_problem(error: ValidationError, found: Mapping[str, Any]) -> str:
    """The first problem of a line, and how many more there are."""
    first, *others = error.errors()
    if not first["loc"]:
        return f"not a prompt in JSON: {first['msg']}."
    field = str(first["loc"][0])
    if first["type"] == "extra_forbidden":
        problem = f"this field is not known; {_nearest(field, _ALLOWED)}allowed: {', '.join(_ALLOWED)}"
    elif first["type"] == "missing":
        problem = f"found nothing; it must be given: {_ALLOWED[field]}"
    else:
        problem = f"found {_shown(found[field])}; allowed: {_ALLOWED[field]}"
    more = f" ({len(others)} more problem{'s' if len(others) > 1 else ''} in this line.)" if others else ""
    return f"{field}: {problem}.{more}"


def _disagreements(line: _Line) -> Iterable[tuple[str, str]]:
    """Fields that are well written but do not go together: (field, problem)."""
    if _SEED_ENDING.search(line.id):
        yield "id", f"found '{line.id}'; an id may not end like the seed in a clip's file name (__1, _s1)"
    if len(set(line.tags)) < len(line.tags):
        twice = next(tag for tag in line.tags if line.tags.count(tag) > 1)
        yield "tags", f"found '{twice}' {line.tags.count(twice)} times; once is allowed"
    if line.task is Task.IMAGE_TO_VIDEO and line.first_frame is None:
        yield "first_frame", f"found nothing; {line.task} must have one: {_ALLOWED['first_frame']}"
    if line.task is not Task.IMAGE_TO_VIDEO and line.first_frame is not None:
        problem = f"found '{line.first_frame}'; {line.task} takes no picture to begin with"
        yield "first_frame", f"{problem}, leave the field out"
    yield from _references_at_odds(line)
    if line.reading is not None:
        if line.spoken is None:
            yield (
                "reading",
                f"found '{line.reading}' but no words in 'spoken' that it could be the reading of",
            )
        pattern, allowed = _READINGS.get(line.language, (re.compile(".+"), ""))
        if not pattern.fullmatch(line.reading):
            yield "reading", f"found '{line.reading}'; allowed for {line.language}: {allowed}"


def _references_at_odds(line: _Line) -> Iterable[tuple[str, str]]:
    """Reference pictures that the task does not take, or the words do not call by their numbers."""
    given = len(line.references)
    if line.task is not Task.REFERENCE_TO_VIDEO:
        if given:
            yield "references", f"found {given}; {line.task} takes no reference pictures, leave the field out"
        return
    if given > MOST_REFERENCES:
        yield "references", f"found {given}; at most {MOST_REFERENCES} are taken by any model"
    if not given:
        yield "references", f"found nothing; {line.task} must have at least one: {_ALLOWED['references']}"
    numbers = set(range(1, given + 1))
    for number in sorted(called(line.text) - numbers):
        yield "text", f"found [Image {number}], but the references are {given}"
    for number in sorted(numbers - called(line.text)):
        yield "text", f"nowhere says [Image {number}]; each reference picture is called by its number"


def _picture(path: str, field: str, beside: Path) -> str:
    """The absolute path of a file that is there and is a picture."""
    from PIL import Image

    try:
        file = (beside / path).resolve()
        there = file.is_file()
    except (OSError, ValueError) as error:  # too long, or with a null character
        raise SuiteError(f"{field}: {_shown(path)} can be no file's path: {error}.") from error
    if not there:
        raise SuiteError(f"{field}: found '{path}', but there is no file {file}.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(file) as picture:
                picture.verify()
    except (
        OSError,
        SyntaxError,
        ValueError,
        Image.DecompressionBombWarning,
        Image.DecompressionBombError,
    ) as error:
        # PIL answers a broken PNG with SyntaxError
        raise SuiteError(f"{field}: {file} is not a picture that can be read: {error}.") from error
    return str(file)


def _filter(prompts: Sequence[Prompt], settings: PromptSettings) -> tuple[Prompt, ...]:
    """The prompts that pass the study's filters."""
    _refuse_unknown("ids", settings.ids, [prompt.id for prompt in prompts])
    _refuse_unknown("languages", settings.languages, [prompt.language for prompt in prompts])
    _refuse_unknown("tags", settings.tags, [tag for prompt in prompts for tag in prompt.tags])
    taken: dict[Category, int] = {}
    left: list[Prompt] = []
    for prompt in prompts:
        wanted = (
            (not settings.ids or prompt.id in settings.ids)
            and (not settings.languages or prompt.language in settings.languages)
            and (not settings.tags or not set(settings.tags).isdisjoint(prompt.tags))
        )
        full = taken.get(prompt.category, 0) == settings.limit_per_category
        if wanted and not full:
            taken[prompt.category] = taken.get(prompt.category, 0) + 1
            left.append(prompt)
    if not left:
        filters = settings.model_dump(include={"ids", "languages", "tags"})
        shown = ", ".join(f"{key} = {value}" for key, value in filters.items() if value)
        raise SuiteError(
            f"None of the {len(prompts)} prompts is left after the filters of [prompts]: {shown}. "
            "Each filter matches some prompts, but no prompt passes all of them; loosen one."
        )
    return tuple(left)


def _refuse_unknown(key: str, wanted: Iterable[str], present: Sequence[str]) -> None:
    known = sorted(set(present))
    for name in wanted:
        if name not in known:
            shown = ", ".join(known[:30]) + (f" and {len(known) - 30} more" if len(known) > 30 else "")
            raise SuiteError(
                f"[prompts] {key}: found '{name}', which no prompt of these suites has; "
                f"{_nearest(name, known)}present: {shown or 'none'}."
            )


def _nearest(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=3)
    return f"did you mean {' or '.join(near)}? " if near else ""


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else text[:79] + "…"
