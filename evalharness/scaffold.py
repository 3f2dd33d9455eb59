"""Write a new study's folder: a commented study.toml, ready to run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from string import Template

from evalharness.config import STUDY_FILE
from evalharness.errors import ConfigError
from evalharness.records import System

__all__ = ["write_study"]

_TEMPLATE = Template("""\
# A study is this folder: settings here, database, clips, exhibits and reports beside it.
# Keys left out have the defaults shown. API keys never stand here; adapters read them from the environment.

name = $name
# database = "sqlite:///study.db"       # or "postgresql+psycopg://user@host/database" beyond one machine

# [storage]                             # clips and exhibits elsewhere than in this folder
# url = "s3://bucket/prefix"            # or file:///mnt/clips, or what else fsspec reaches
# endpoint = "http://127.0.0.1:9000"    # of an S3 server that is not Amazon's

# [work]                                # where clips are computed and measured; --executor takes its place
# executor = "processes"                # a process a core; "ray": a Ray cluster; "here": this process
# ray_address = "10.0.0.5:6379"         # of a cluster's head; without it RAY_ADDRESS, else this machine alone

[prompts]
# Suites that come with evalharness, by name; your own as paths of .jsonl files.
suites = ["text-to-video", "image-to-video", "audio-sync"]
$prompt_ids
# languages = ["en", "zh"]              # only prompts in these languages
# tags = ["speech"]                     # only prompts with one of these tags
$limit

[generation]
seeds = [1]                             # one clip per system, prompt and seed
duration_s = $duration_s
$size
# fps = 24.0
# attempts = 3                          # tries per clip, where trying again is safe
# timeout_s = 900.0

[blinding]                              # the one form in which every clip is shown
$size
# fps = 24.0
# loudness_lufs = -23.0                 # EBU R128
# true_peak_db = -1.0
# normalise_loudness = true             # false only for a study on loudness itself

[pairing]
# policy = "balanced"                   # or "uniform", or "gap_aware": most where the order is still open
# Battles wanted; a pair, prompt or category that has them rests. Without, a study goes on while voters come:
# battles_per_pair = 40                 # of every two systems in each category
# battles_per_prompt = 60
# battles_per_category = 600
# ticket_life_s = 7200                  # a pair that nobody answered for so long goes to somebody else
# The rest is for gap_aware:
# explore = 0.1                         # share of the battles drawn from all pairs alike
# newcomer_votes = 30                   # with fewer votes in a category a system is placed first
# quota = 0                             # votes every two systems shall have before gaps matter

[checks]
# Pairs in every session that test the voter and count for no system, at other places for each voter:
# traps = 1                             # the words ask for one answer outright
# repeats = 1                           # a pair that was judged before
# swapped_repeats = 1                   # the same with sides exchanged
# golds = 1                             # one side was spoiled on purpose; 'blind' makes the spoiled copies

[quality]
# When a voter is not paid, and when their votes do not count; 'evalharness voters' applies it:
# traps_forgiven_in_pay = 1
# traps_forgiven = 0
# golds_forgiven = 1
# most_faults = 0.3                     # share of pairs that a voter may put aside as faulty
# least_consistency = 0.5               # share of repeats answered as before
# consistency_level = 0.01              # chance of as few for one who does that: it takes 7 repeats at least
# habit_level = 0.001                   # chance of such a run or such a side among honest voters
# e_value = 1000                        # at most one honest voter in so many has such evidence against them
# idle_hours = 12                       # after which somebody who did not finish has left

[arena]
# title = "Which clip is better?"
# overall, visual_quality, motion, prompt_adherence, av_sync, lip_accuracy: each asked where it applies
questions = ["overall", "av_sync", "lip_accuracy"]
# votes_per_voter = 20                  # battles before the thanks page
# watch_share = 0.9                     # share of both clips that must have been seen before voting
# "never", "after_session", or "always": with "always" people who still vote can watch ratings move
leaderboard = $leaderboard
# own_board = "never"                   # or "after_session": what a voter preferred, and who made it
# host = "127.0.0.1"
# port = 8501

# [consent]                             # what the first screen says of the study
# operator = "Media Lab, University of Example"
# contact = "study@example.org"
# reward = "1.50 GBP, paid within a week"
# minimum_age = 18                      # stands in the box for taking part; 0: nobody is asked
# ask_open_data = true                  # a box apart: single answers may be published

# [screening]                           # what voters are tried for before the first pair; left out: nothing
# phones = false
# headphones = true                     # tones that only headphones tell apart, where clips have sound
# languages = true                      # sentences to complete in the languages that clips speak
# training = 3                          # practice pairs with feedback

# [recruiting]                          # who sends voters; left out, whoever has the address may vote
# platform = "prolific"                 # or "mturk", or "generic" with person_parameter and exit_url
# codes = {completed = "C1", screened_out = "C2", failed_checks = "C3", no_consent = "C4"}

# The systems to compare. Adapters here: folder (clips you already have), command (any local program),
# synthetic (rendered scenes whose flaws are known). A codename masks a system on published boards.
#
# [[systems]]
# name = "my-model-v2"
# adapter = "folder"
# [systems.parameters]
# path = "incoming/my-model-v2"         # files named <prompt id>.mp4
#
# [[systems]]
# name = "my-checkpoint"
# adapter = "command"
# concurrency = 1
# [systems.parameters]
# argv = ["python", "sample.py", "--prompt", "{prompt}", "--seed", "{seed}", "--out", "{output}"]
""")


def write_study(
    folder: Path,
    systems: Sequence[System],
    *,
    name: str | None = None,
    prompt_ids: Sequence[str] = (),
    limit_per_category: int | None = None,
    duration_s: float = 5.0,
    leaderboard: str = "after_session",
    size: tuple[int, int] | None = None,
) -> Path:
    """Make `folder` a study of `systems`; returns the path of its study.toml.

    `size` is the width and height of clips and of what is shown, in pixels.

    Raises ConfigError if there is a study in it already.
    """
    file = folder / STUDY_FILE
    if file.exists():
        raise ConfigError(
            f"{folder} is a study already: {file} exists and was left as it is. "
            "Name another folder, or edit that file."
        )
    folder.mkdir(parents=True, exist_ok=True)
    ids = ",\n    ".join(_toml(prompt_id) for prompt_id in prompt_ids)
    head = _TEMPLATE.substitute(
        name=_toml(name or folder.resolve().name),
        prompt_ids=f"ids = [\n    {ids},\n]"
        if ids
        else "# ids = []                            # only these prompts",
        limit=f"limit_per_category = {limit_per_category}                  # take it off for all prompts"
        if limit_per_category
        else "# limit_per_category = 20",
        duration_s=_toml(duration_s),
        size=f"width = {size[0]}\nheight = {size[1]}" if size else "# width = 854\n# height = 480",
        leaderboard=_toml(leaderboard),
    )
    file.write_text(head + "".join(_system(system) for system in systems), encoding="utf-8")
    return file


def _system(system: System) -> str:
    fields = {
        "name": system.name,
        "adapter": system.adapter,
        "model": system.model,
        "revision": system.revision,
        "codename": system.codename,
        "concurrency": system.concurrency,
    }
    lines = ["", "[[systems]]", *(f"{key} = {_toml(value)}" for key, value in fields.items() if value)]
    if system.parameters:
        lines += [
            "[systems.parameters]",
            *(f"{key} = {_toml(value)}" for key, value in system.parameters.items()),
        ]
    return "\n".join(lines) + "\n"


def _toml(value: object) -> str:
    """A scalar or a list of scalars as TOML; JSON's spelling of these is TOML's too."""
    return json.dumps(value, ensure_ascii=False)
