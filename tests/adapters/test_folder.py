"""Finished clips: which file answers which prompt, what a folder lacks, and bytes left as they are."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from evalharness.adapters.base import GenerationRequest
from evalharness.adapters.folder import FolderAdapter, FolderSurvey, survey
from evalharness.errors import ConfigError, GenerationError
from evalharness.records import FailureKind, JobKey, Prompt, System, Task

MakeClip = Callable[..., Path]
RequestFor = Callable[..., GenerationRequest]


def ball(id_: str = "ball-01") -> Prompt:
    return Prompt(id=id_, task=Task.TEXT_TO_VIDEO, text="A ball.", language="en", licence="CC0-1.0")


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """A study's folder with an empty folder of clips in it."""
    (tmp_path / "study" / "incoming").mkdir(parents=True)
    return tmp_path / "study"


def adapter(study: Path, **parameters: Any) -> FolderAdapter:
    return FolderAdapter(System(name="alpha", adapter="folder", parameters=parameters), folder=study)


def manifest(
    study: Path, *rows: str, header: str = "system,prompt_id,file,seed", name: str = "clips.csv"
) -> str:
    (study / name).write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")
    return name


class TestNames:
    @pytest.mark.parametrize(
        ("name", "prompt_id", "seed"),
        [
            ("ball-01.mp4", "ball-01", 1),
            ("ball-01__7.mp4", "ball-01", 7),
            ("ball-01_s7.mp4", "ball-01", 7),
            ("ball-01__-3.mp4", "ball-01", -3),
            ("ball-01__007.mp4", "ball-01", 7),
            ("ball_01.mp4", "ball_01", 1),
            ("ball_07_s2.mp4", "ball_07", 2),
            ("ball__01__2.mp4", "ball__01", 2),
            ("ball.v2.mp4", "ball.v2", 1),
            ("ball-01.MP4", "ball-01", 1),
            ("ball-01.webm", "ball-01", 1),
            ("ball-01.mov", "ball-01", 1),
            ("ball-01.mkv", "ball-01", 1),
        ],
    )
    def test_a_name_says_prompt_and_seed(
        self,
        study: Path,
        make_clip: MakeClip,
        request_for: RequestFor,
        name: str,
        prompt_id: str,
        seed: int,
    ) -> None:
        clip = make_clip(study / "incoming" / name)
        request = request_for(ball(prompt_id), seed=seed)
        generated = adapter(study, path="incoming").generate(request)
        assert sha256(request.output) == sha256(clip)
        assert generated.request == {"source": f"incoming/{name}", "from": "incoming", "link": False}

    @pytest.mark.parametrize(
        "name", ["ball-01.avi", ".ball-01.mp4", "ball-01", "other.mp4", "ball-01__2.mp4"]
    )
    def test_other_files_are_no_answer(
        self, study: Path, make_clip: MakeClip, request_for: RequestFor, name: str
    ) -> None:
        make_clip(study / "incoming" / name)
        with pytest.raises(
            GenerationError, match=r"no clip for prompt 'ball-01' with seed 1: there is none"
        ) as error:
            adapter(study, path="incoming").generate(request_for(ball()))
        assert error.value.kind is FailureKind.MISSING
        assert not error.value.retry_safe

    def test_a_clip_for_another_seed_is_pointed_out(
        self, study: Path, make_clip: MakeClip, request_for: RequestFor
    ) -> None:
        for seed in (3, 2):
            make_clip(study / "incoming" / f"ball-01__{seed}.mp4")
        with pytest.raises(GenerationError, match=r"It has seed 2, 3 \(.*set 'seeds' in \[generation\]"):
            adapter(study, path="incoming").generate(request_for(ball()))

    @pytest.mark.parametrize("names", [("ball-01.mp4", "ball-01__1.mp4"), ("ball-01.mp4", "ball-01.webm")])
    def test_two_clips_for_one_request_are_both_named_and_none_is_taken(
        self, study: Path, make_clip: MakeClip, request_for: RequestFor, names: tuple[str, str]
    ) -> None:
        for name in names:
            make_clip(study / "incoming" / name)
        request = request_for(ball())
        with pytest.raises(GenerationError, match=r"2 clips for prompt 'ball-01' with seed 1") as error:
            adapter(study, path="incoming").generate(request)
        assert error.value.kind is FailureKind.PARAMETER
        assert all(f"incoming/{name}" in str(error.value) for name in names)
        assert not request.output.exists()


class TestDelivery:
    @pytest.mark.parametrize("link", [False, True])
    def test_the_bytes_are_untouched_and_linked_only_on_wish(
        self, study: Path, make_clip: MakeClip, request_for: RequestFor, link: bool
    ) -> None:
        clip = make_clip(study / "incoming" / "ball-01.mp4")
        digest, changed_at = sha256(clip), clip.stat().st_mtime_ns
        request = request_for(ball())
        generated = adapter(study, path="incoming", link=link).generate(request)
        assert sha256(request.output) == sha256(clip) == digest
        assert clip.stat().st_mtime_ns == changed_at
        assert request.output.samefile(clip) is link
        assert generated.request["link"] is link
        assert [path.name for path in request.output.parent.iterdir()] == [request.output.name]

    def test_a_link_follows_symbolic_links_to_the_file_itself(
        self, study: Path, make_clip: MakeClip, request_for: RequestFor, tmp_path: Path
    ) -> None:
        clip = make_clip(tmp_path / "elsewhere.mp4")
        (study / "incoming" / "ball-01.mp4").symlink_to(clip)
        request = request_for(ball())
        adapter(study, path="incoming", link=True).generate(request)
        assert not request.output.is_symlink()
        assert request.output.samefile(clip)

    def test_where_linking_is_refused_it_copies_and_says_so(
        self,
        study: Path,
        make_clip: MakeClip,
        request_for: RequestFor,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        def refuse(*_: object, **__: object) -> None:
            raise OSError(18, "Invalid cross-device link")

        clip = make_clip(study / "incoming" / "ball-01.mp4")
        monkeypatch.setattr(os, "link", refuse)
        request = request_for(ball())
        generated = adapter(study, path="incoming", link=True).generate(request)
        assert generated.request["link"] is False
        assert generated.request["link_refused"] == "Copied instead: Invalid cross-device link."
        assert not request.output.samefile(clip)
        assert sha256(request.output) == sha256(clip)

    @pytest.mark.parametrize("content", [b"", b"not a video"])
    def test_a_broken_file_is_told_apart_from_a_missing_one(
        self, study: Path, request_for: RequestFor, content: bytes
    ) -> None:
        (study / "incoming" / "ball-01.mp4").write_bytes(content)
        request = request_for(ball())
        with pytest.raises(GenerationError, match=r"ball-01\.mp4") as error:
            adapter(study, path="incoming").generate(request)
        assert error.value.kind is FailureKind.MEDIA
        assert not any(request.output.parent.iterdir())


class TestManifest:
    def test_rows_say_file_seed_time_and_cost(
        self, study: Path, make_clip: MakeClip, request_for: RequestFor
    ) -> None:
        first = make_clip(study / "incoming" / "a.mp4", 40)
        second = make_clip(study / "incoming" / "b.mp4", 80)
        rows = manifest(
            study,
            "alpha,ball-01,incoming/a.mp4,,12.5,0",
            "alpha,ball-01,incoming/b.mp4,2,,",
            "beta,ball-01,incoming/c.mp4,1,,",
            header="system,prompt_id,file,seed,latency_s,cost_usd",
        )
        found = adapter(study, manifest=rows)
        request = request_for(ball())
        generated = found.generate(request)
        assert sha256(request.output) == sha256(first)
        assert (generated.latency_s, generated.cost_usd) == (12.5, 0.0)
        assert generated.request == {"source": "incoming/a.mp4", "from": "clips.csv", "link": False}
        request = request_for(ball(), seed=2)
        generated = found.generate(request)
        assert sha256(request.output) == sha256(second)
        assert (generated.latency_s, generated.cost_usd) == (None, None)
        assert found.others == {"beta": 1}

    def test_files_count_from_the_path_where_one_is_given(
        self, study: Path, make_clip: MakeClip, request_for: RequestFor
    ) -> None:
        make_clip(study / "incoming" / "a.mp4")
        rows = manifest(study, "alpha,ball-01,a.mp4,1")
        generated = adapter(study, path="incoming", manifest=rows).generate(request_for(ball()))
        assert generated.request["source"] == "incoming/a.mp4"

    def test_a_named_file_that_is_not_there_is_missing(self, study: Path, request_for: RequestFor) -> None:
        found = adapter(study, manifest=manifest(study, "alpha,ball-01,incoming/a.mp4,1"))
        with pytest.raises(GenerationError, match=r"incoming/a\.mp4 is named, but is not there") as error:
            found.generate(request_for(ball()))
        assert error.value.kind is FailureKind.MISSING

    @pytest.mark.parametrize(
        ("header", "row", "sentence"),
        [
            (
                "system,prompt_id",
                "alpha,ball-01",
                r"clips\.csv:1: the column 'file' is missing: found system, ",
            ),
            ("", "", r"clips\.csv:1: the column 'system' is missing: found nothing; needed are"),
            ("system,prompt_id,file,cost", "a,b,c,1", r"clips\.csv:1: the column 'cost' is not known"),
            ("System,prompt_id,file", "a,b,c", r"clips\.csv:1: the column 'system' is missing"),
            ("system,prompt_id,file,file", "a,b,c,d", r"clips\.csv:1: the column 'file' stands there twice"),
            ("system,prompt_id,file", "alpha,ball-01", r"clips\.csv:2: found 2 cells; the header has 3"),
            ("system,prompt_id,file", "alpha,ball-01,a.mp4,1", r"clips\.csv:2: found 4 cells"),
            ("system,prompt_id,file", "alpha,,a.mp4", r"clips\.csv:2: prompt_id: found nothing; it must"),
            ("system,prompt_id,file", ",ball-01,a.mp4", r"clips\.csv:2: system: found nothing"),
            (
                "system,prompt_id,file,seed",
                "alpha,ball-01,a.mp4,1.5",
                r"2: seed: found '1\.5'; allowed: a whole",
            ),
            (
                "system,prompt_id,file,latency_s",
                "alpha,b,a.mp4,-1",
                r"2: latency_s: found '-1'; allowed: a number",
            ),
            ("system,prompt_id,file,latency_s", "alpha,b,a.mp4,nan", r"2: latency_s: found 'nan'"),
            ("system,prompt_id,file,cost_usd", "alpha,b,a.mp4,inf", r"2: cost_usd: found 'inf'"),
            ("system,prompt_id,file,cost_usd", "alpha,b,a.mp4,$2", r"2: cost_usd: found '\$2'"),
            ("system,prompt_id,file", 'alpha,ball-01,"a.mp4', r"clips\.csv is not a CSV file in UTF-8"),
            (
                "system,prompt_id,file",
                "beta,ball-01,a.mp4",
                r"no row of clips\.csv is for this system; .* beta\.",
            ),
            ("system,prompt_id,file", "", r"no row of clips\.csv is for this system; .*none at all"),
        ],
    )
    def test_a_wrong_manifest_is_refused_by_line_and_column(
        self, study: Path, header: str, row: str, sentence: str
    ) -> None:
        name = manifest(study, row, header=header)
        with pytest.raises(ConfigError, match=sentence):
            adapter(study, manifest=name)

    def test_line_numbers_count_lines_of_the_file(self, study: Path) -> None:
        name = manifest(study, "alpha,ball-01,a.mp4,1", "", "alpha,ball-02,b.mp4,x")
        with pytest.raises(ConfigError, match=r"clips\.csv:4: seed"):
            adapter(study, manifest=name)

    def test_a_spreadsheet_s_byte_order_mark_does_no_harm(self, study: Path) -> None:
        (study / "clips.csv").write_bytes("\ufeffsystem,prompt_id,file\r\nalpha,ball-01,a.mp4\r\n".encode())
        (entry,) = adapter(study, manifest="clips.csv").entries
        assert (entry.prompt_id, entry.seed, entry.file) == ("ball-01", 1, study / "a.mp4")

    def test_another_encoding_is_refused(self, study: Path) -> None:
        (study / "clips.csv").write_bytes(b"system,prompt_id,file\nalpha,caf\xe9,a.mp4\n")
        with pytest.raises(ConfigError, match=r"not a CSV file in UTF-8"):
            adapter(study, manifest="clips.csv")


class TestParameters:
    @pytest.mark.parametrize(
        ("parameters", "sentence"),
        [
            ({}, r"'alpha': path: found neither 'path' nor 'manifest'"),
            ({"path": "gone"}, r"'alpha': path: found 'gone', but .*gone is no folder"),
            ({"manifest": "gone.csv"}, r"gone\.csv cannot be read: No such file"),
            ({"path": 3}, r"'alpha': path: found 3; "),
            ({"path": "incoming", "link": "yes"}, r"'alpha': link: found 'yes'; "),
            (
                {"folder": "incoming"},
                r"'alpha': folder: the adapter 'folder' knows no such parameter; .*path",
            ),
        ],
    )
    def test_what_is_wrong_is_named(self, study: Path, parameters: Mapping[str, Any], sentence: str) -> None:
        with pytest.raises(ConfigError, match=sentence):
            adapter(study, **parameters)


class TestSurvey:
    def hold(
        self, study: Path, prompts: str, seeds: tuple[int, ...] = (1,), **parameters: Any
    ) -> FolderSurvey:
        system = System(name="alpha", adapter="folder", parameters=parameters)
        return survey(system, study, [ball(id_) for id_ in prompts.split()], seeds)

    def test_every_file_and_every_wish_has_its_place(self, study: Path, make_clip: MakeClip) -> None:
        clips = study / "incoming"
        for name in ("good.mp4", "good__2.mp4", "twice.mp4", "twice_s1.mp4", "tpyo.mp4", "good__9.mp4"):
            make_clip(clips / name)
        (clips / "broken.mp4").write_bytes(b"no video")
        (clips / "notes.txt").write_text("mine")
        (clips / "old").mkdir()
        (clips / ".hidden.mp4").write_bytes(b"")
        found = self.hold(study, "good twice broken typo", (1, 2), path="incoming")
        assert found.matched == {
            JobKey("alpha", "good", 1): clips / "good.mp4",
            JobKey("alpha", "good", 2): clips / "good__2.mp4",
        }
        assert found.duplicates == {
            JobKey("alpha", "twice", 1): (clips / "twice.mp4", clips / "twice_s1.mp4")
        }
        assert list(found.broken) == [JobKey("alpha", "broken", 1)]
        assert set(found.missing) == {
            JobKey("alpha", "twice", 2),
            JobKey("alpha", "broken", 2),
            JobKey("alpha", "typo", 1),
            JobKey("alpha", "typo", 2),
        }
        assert [path.name for path in found.unmatched] == ["good__9.mp4", "notes.txt", "old", "tpyo.mp4"]

    def test_a_manifest_beside_the_clips_and_other_systems_clips_are_not_unmatched(
        self, study: Path, make_clip: MakeClip
    ) -> None:
        clips = study / "incoming"
        for name in ("a.mp4", "deep/b.mp4", "beta.mp4", "stray.mp4"):
            make_clip(clips / name)
        rows = manifest(
            study,
            "alpha,good,a.mp4,1",
            "alpha,deep,deep/b.mp4,1",
            "alpha,gone,gone.mp4,1",
            "alpha,tpyo,c.mp4,1",
            "beta,good,beta.mp4,1",
            name="incoming/clips.csv",
        )
        found = self.hold(study, "good deep gone typo", path="./incoming", manifest=rows)
        assert {key.prompt_id for key in found.matched} == {"good", "deep"}
        assert found.broken == {JobKey("alpha", "gone", 1): "gone.mp4 is named, but is not there."}
        assert found.missing == (JobKey("alpha", "typo", 1),)
        assert found.unmatched == (clips / "c.mp4", clips / "stray.mp4")
        assert found.others == {"beta": 1}
