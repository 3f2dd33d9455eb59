"""A local program as a system: what it is handed, how it may end, and what is left of it."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evalharness.adapters.base import GenerationRequest, SeedSupport
from evalharness.adapters.command import PLACEHOLDERS, CommandAdapter
from evalharness.errors import ConfigError, GenerationError
from evalharness.records import FailureKind, Prompt, System, Task

RequestFor = Callable[..., GenerationRequest]

TELL = (
    "import json, os, shutil, sys; seen = [sys.argv[3:], dict(os.environ), os.getcwd()];"
    "json.dump(seen, open(sys.argv[1], 'w')); shutil.copy(os.environ['CLIP'], sys.argv[2])"
)
"""A program that writes down what it was given (to its first argument) and delivers $CLIP to its second."""

HARD = (
    "He says: “{seed}” and {{output}} and {no_such_thing} and {}.",
    'It\'s a "quoted" $HOME `whoami` \\ * ? ; rm -rf / | & > out',
    "--help",
    "-",
    "One line\nand another\r\n\tand a tab",
    "春 🎬 e\u0301",
    "",
)


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory, make_clip: Callable[..., Path]) -> Path:
    return make_clip(tmp_path_factory.mktemp("made") / "clip.mp4")


@pytest.fixture
def study(tmp_path: Path) -> Path:
    (tmp_path / "study").mkdir()
    return tmp_path / "study"


def command(study: Path, code: str, *words: str, **parameters: Any) -> CommandAdapter:
    """A system that runs a few lines of Python with `words` as its arguments."""
    return program(study, [sys.executable, "-c", code, *words], **parameters)


def program(study: Path, argv: list[str], **parameters: Any) -> CommandAdapter:
    system = System(name="alpha", adapter="command", parameters={"argv": argv, **parameters})
    return CommandAdapter(system, folder=study)


@pytest.fixture
def told(
    study: Path, clip: Path, request_for: RequestFor, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[list[str], dict[str, str], str]]:
    """Run a program with these arguments for a prompt; the arguments, environment and folder it saw."""
    monkeypatch.setenv("CLIP", str(clip))

    def run(prompt: Prompt, *words: str, pass_env: tuple[str, ...] = (), **parameters: Any) -> Any:
        report = study.parent / "report.json"
        adapter = command(
            study, TELL, str(report), "{output}", *words, pass_env=["CLIP", *pass_env], **parameters
        )
        request = request_for(prompt, seed=7)
        adapter.generate(request)
        assert request.output.read_bytes() == clip.read_bytes()
        request.output.unlink()
        return json.loads(report.read_text())

    return run


class TestArguments:
    def test_every_placeholder_is_filled(self, told: Callable[..., Any]) -> None:
        prompt = Prompt(
            id="speak-01",
            task=Task.IMAGE_TO_VIDEO,
            text="A man says: “Papa!”",
            language="de",
            licence="CC0-1.0",
            spoken="Papa!",
            first_frame="start.png",
        )
        names = [name for name in PLACEHOLDERS if name not in ("output", "references")]
        given_, _, _ = told(prompt, *(f"{name}={{{name}}}" for name in names))
        assert dict(word.split("=", 1) for word in given_) == {
            "prompt": "A man says: “Papa!”",
            "prompt_id": "speak-01",
            "seed": "7",
            "first_frame": "start.png",
            "spoken": "Papa!",
            "language": "de",
            "duration_s": "2.5",
            "width": "64",
            "height": "36",
            "fps": "24",
        }

    def test_reference_pictures_are_arguments_of_their_own(
        self, prompt: Prompt, told: Callable[..., Any]
    ) -> None:
        pictured = replace(prompt, task=Task.REFERENCE_TO_VIDEO, references=("a hat.png", "cat.png"))
        assert told(pictured, "with", "{references}", "end")[0] == ["with", "a hat.png", "cat.png", "end"]
        assert told(prompt, "with", "{references}", "end")[0] == ["with", "end"]

    def test_what_a_prompt_does_not_have_is_an_empty_argument(
        self, prompt: Prompt, told: Callable[..., Any]
    ) -> None:
        assert told(prompt, "{spoken}", "{first_frame}", "end")[0] == ["", "", "end"]

    @pytest.mark.parametrize("text", HARD)
    def test_a_prompt_arrives_as_one_argument_unharmed(
        self, prompt: Prompt, told: Callable[..., Any], text: str
    ) -> None:
        given_, _, _ = told(replace(prompt, text=text), "{prompt}", "a{prompt}z", "end")
        assert given_ == [text, f"a{text}z", "end"]

    def test_doubled_braces_and_unknown_shapes_stay_text(
        self, prompt: Prompt, told: Callable[..., Any]
    ) -> None:
        words = ["{{seed}}", "{}", '{"seed": {seed}}', "${seed}", "{ seed }", "{{seed}}{seed}"]
        assert told(prompt, *words)[0] == ["{seed}", "{}", '{"seed": 7}', "$7", "{ seed }", "{seed}7"]

    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(text=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40))
    def test_any_text_arrives(
        self, study: Path, clip: Path, prompt: Prompt, request_for: RequestFor, text: str
    ) -> None:
        script = 'cp "$1" "$2"; printf %s "$3" > got'
        adapter = program(study, ["sh", "-c", script, "sh", str(clip), "{output}", "<{prompt}|{seed}>"])
        request = request_for(replace(prompt, text=text))
        adapter.generate(request)
        request.output.unlink()
        assert (study / "got").read_bytes().decode() == f"<{text}|1>"

    @pytest.mark.parametrize("text", ["a\0b", "\ud800"])
    def test_what_no_program_can_be_given_is_said(
        self, study: Path, prompt: Prompt, request_for: RequestFor, text: str
    ) -> None:
        adapter = command(study, "", "{prompt}", "{output}")
        with pytest.raises(GenerationError, match=r"'ball-01' cannot be handed to the program") as error:
            adapter.generate(request_for(replace(prompt, text=text)))
        assert error.value.kind is FailureKind.PARAMETER


class TestSurroundings:
    def test_it_sees_little_of_the_environment(
        self, prompt: Prompt, told: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SOME_TOKEN", "not for programs")
        monkeypatch.setenv("MY_TOKEN", "for this program")
        _, environment, _ = told(prompt, pass_env=("MY_TOKEN",))
        assert environment["MY_TOKEN"] == "for this program"
        assert environment["PATH"] == os.environ["PATH"]
        assert "SOME_TOKEN" not in environment
        interpreter_adds = {"LC_CTYPE"}
        assert set(environment) - interpreter_adds <= {"PATH", "HOME", "LANG", "CLIP", "MY_TOKEN"}

    def test_it_runs_in_the_study_or_where_it_is_told(
        self, study: Path, prompt: Prompt, told: Callable[..., Any]
    ) -> None:
        (study / "model").mkdir()
        assert told(prompt)[2] == str(study.resolve())
        assert told(prompt, cwd="model")[2] == str((study / "model").resolve())

    def test_a_secret_it_babbles_is_in_no_record_and_no_message(
        self,
        study: Path,
        clip: Path,
        prompt: Prompt,
        request_for: RequestFor,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setenv("MY_TOKEN", "canary-0123456789")
        monkeypatch.setenv("CLIP", str(clip))
        babble = "import os, shutil, sys; print('token:', os.environ['MY_TOKEN'], file=sys.stderr);"
        kind = {"pass_env": ["MY_TOKEN", "CLIP"]}
        generated = command(
            study, babble + "shutil.copy(os.environ['CLIP'], sys.argv[1])", "{output}", **kind
        ).generate(request_for(prompt))
        assert generated.request["stderr_tail"] == "token: <MY_TOKEN>"
        assert "canary" not in json.dumps(dict(generated.request))
        with pytest.raises(GenerationError) as error:
            command(study, babble + "sys.exit(3)", "{output}", **kind).generate(request_for(prompt))
        assert "token: <MY_TOKEN>" in str(error.value)
        assert "canary" not in str(error.value)

    def test_the_record_says_what_ran(
        self, study: Path, clip: Path, prompt: Prompt, request_for: RequestFor
    ) -> None:
        code = "import shutil, sys; shutil.copy(*sys.argv[1:3])"
        argv = [sys.executable, "-c", code, str(clip), "{output}", "{seed}"]
        generated = program(study, argv, cost_usd=0.5).generate(request_for(prompt, seed=7))
        assert generated.request["argv"] == [*argv[:-1], "7"]
        assert "PATH" in generated.request["environment"]
        assert generated.request["exit_code"] == 0
        assert generated.cost_usd == 0.5
        assert generated.latency_s is not None
        assert 0 < generated.latency_s < 60


class TestParameters:
    @pytest.mark.parametrize(
        ("argv", "sentence"),
        [
            (
                ["sh", "{sed}", "{output}"],
                r"found the placeholder \{sed\}; allowed: \{prompt\}, .*\{\{sed\}\} for",
            ),
            (["sh", "{seed}"], r"argv: found no \{output\}; the program must be told where"),
            (["sh", "{{output}}"], r"argv: found no \{output\}"),
            (["no-such-program-here", "{output}"], r"argv: found the program 'no-such-program-here', .*PATH"),
            (["./sample", "{output}"], r"found the program './sample', which is no executable file in /"),
            ([], r"'alpha': argv: found \[\]; "),
            ("sh {output}", r"'alpha': argv: found 'sh \{output\}'; "),
        ],
    )
    def test_an_argv_that_cannot_work_is_refused(self, study: Path, argv: Any, sentence: str) -> None:
        with pytest.raises(ConfigError, match=sentence) as error:
            program(study, argv)
        assert str(error.value).startswith("System 'alpha': argv")
        assert str(error.value).endswith(".")

    @pytest.mark.parametrize(
        ("parameters", "sentence"),
        [
            ({"cwd": "gone"}, r"cwd: found 'gone', but .*gone is no folder"),
            ({"pass_env": ["NEVER_SET_4711"]}, r"pass_env: found 'NEVER_SET_4711', which is not set"),
            ({"cost_usd": -1}, r"cost_usd: found -1; "),
            ({"cost_usd": float("nan")}, r"cost_usd: found nan; "),
            ({"shell": True}, r"shell: the adapter 'command' knows no such parameter; it knows argv"),
        ],
    )
    def test_other_parameters_are_checked_too(
        self, study: Path, parameters: dict[str, Any], sentence: str
    ) -> None:
        with pytest.raises(ConfigError, match=sentence):
            program(study, ["sh", "{output}"], **parameters)

    def test_a_program_beside_the_study_is_found_from_where_it_runs(
        self, study: Path, clip: Path, prompt: Prompt, request_for: RequestFor
    ) -> None:
        script = study / "sample"
        script.write_text(f'#!/bin/sh\ncp "{clip}" "$1"\n')
        script.chmod(0o755)
        request = request_for(prompt)
        program(study, ["./sample", "{output}"]).generate(request)
        assert request.output.read_bytes() == clip.read_bytes()

    def test_what_it_can_do_follows_from_its_placeholders(
        self, study: Path, prompt: Prompt, request_for: RequestFor
    ) -> None:
        picture = replace(prompt, task=Task.IMAGE_TO_VIDEO, first_frame="start.png")
        blind = program(study, ["sh", "{output}"])
        seeing = program(study, ["sh", "{output}", "{first_frame}", "{seed}"])
        assert blind.capabilities.seed is SeedSupport.NONE
        assert seeing.capabilities.seed is SeedSupport.BEST_EFFORT
        assert seeing.refuse(request_for(picture)) is None
        assert blind.refuse(request_for(prompt)) is None
        assert "its argv has no {first_frame}" in (blind.refuse(request_for(picture)) or "")
        pictured = replace(prompt, task=Task.REFERENCE_TO_VIDEO, references=("hat.png",))
        assert "its argv has no {references}" in (seeing.refuse(request_for(pictured)) or "")
        shown = program(study, ["sh", "{output}", "{references}"])
        assert shown.refuse(request_for(pictured)) is None
        with pytest.raises(ConfigError, match=r"found \{references\} inside an argument"):
            program(study, ["sh", "{output}", "--with={references}"])


class TestEndings:
    def fail(self, adapter: CommandAdapter, request: GenerationRequest) -> GenerationError:
        with pytest.raises(GenerationError) as error:
            adapter.generate(request)
        assert not any(request.output.parent.iterdir())
        return error.value

    def test_an_exit_code_is_told_with_the_end_of_stderr(
        self, study: Path, prompt: Prompt, request_for: RequestFor
    ) -> None:
        code = (
            "import sys; open(sys.argv[1], 'w').write('half');"
            "[print('line', n, file=sys.stderr) for n in range(50)]; sys.exit(42)"
        )
        error = self.fail(command(study, code, "{output}"), request_for(prompt))
        assert error.kind is FailureKind.PROGRAM
        assert "ended with exit code 42" in str(error)
        assert str(error).endswith("\n".join(f"line {n}" for n in range(30, 50)))
        assert "line 29\n" not in str(error)

    def test_much_stderr_is_cut_and_bytes_that_are_no_text_are_borne(
        self, study: Path, prompt: Prompt, request_for: RequestFor
    ) -> None:
        code = "import sys; sys.stderr.buffer.write(b'x' * 300_000 + b'\\xff\\xfe end'); sys.exit(1)"
        error = self.fail(command(study, code, "{output}"), request_for(prompt))
        assert str(error).endswith(" end")
        assert len(str(error)) < 2500

    def test_a_signal_is_named(self, study: Path, prompt: Prompt, request_for: RequestFor) -> None:
        error = self.fail(program(study, ["sh", "-c", "kill -SEGV $$", "{output}"]), request_for(prompt))
        assert error.kind is FailureKind.PROGRAM
        assert "was ended by signal 11 (Segmentation fault)" in str(error)
        assert "said nothing on stderr" in str(error)

    def test_a_good_exit_without_a_clip_is_a_failure(
        self, study: Path, prompt: Prompt, request_for: RequestFor
    ) -> None:
        error = self.fail(command(study, "", "{output}"), request_for(prompt))
        assert error.kind is FailureKind.PROGRAM
        assert "ended with exit code 0 but wrote nothing to {output}" in str(error)

    @pytest.mark.parametrize("content", ["", "<html>quota</html>"])
    def test_a_good_exit_with_something_else_than_a_video_is_a_failure(
        self, study: Path, prompt: Prompt, request_for: RequestFor, content: str
    ) -> None:
        code = f"import sys; open(sys.argv[1], 'w').write({content!r})"
        error = self.fail(command(study, code, "{output}"), request_for(prompt))
        assert error.kind is FailureKind.MEDIA
        assert "what it wrote is no playable video" in str(error)

    def test_a_program_that_takes_too_long_is_stopped(
        self, study: Path, prompt: Prompt, request_for: RequestFor
    ) -> None:
        adapter = program(study, ["sh", "-c", "echo half > $0; echo at it >&2; sleep 600", "{output}"])
        started = time.monotonic()
        error = self.fail(adapter, request_for(prompt, timeout_s=0.5))
        assert time.monotonic() - started < 30
        assert error.kind is FailureKind.TIMEOUT
        assert "was stopped after" in str(error)
        assert "it had 0.5 s, raise 'timeout_s' in [generation]" in str(error)
        assert str(error).endswith("at it")

    def test_what_it_leaves_beside_its_clip_is_cleared_away(
        self, study: Path, clip: Path, prompt: Prompt, request_for: RequestFor
    ) -> None:
        code = "import shutil, sys; shutil.copy(*sys.argv[1:]); open(sys.argv[2] + '.log', 'w').write('x')"
        request = request_for(prompt)
        command(study, code, str(clip), "{output}").generate(request)
        assert list(request.output.parent.iterdir()) == [request.output]

    def test_a_program_that_cannot_be_started_is_said(
        self, study: Path, prompt: Prompt, request_for: RequestFor
    ) -> None:
        script = study / "sample"
        script.write_text("#!/no/such/interpreter\n")
        script.chmod(0o755)
        error = self.fail(program(study, ["./sample", "{output}"]), request_for(prompt))
        assert error.kind is FailureKind.PROGRAM
        assert "could not be started: No such file" in str(error)


def test_two_threads_run_two_programs_at_the_same_time(
    study: Path, clip: Path, prompt: Prompt, request_for: RequestFor
) -> None:
    """Each program waits for the other's mark: one after the other would never end."""
    script = 'touch "mark-$1"; until [ -e mark-1 ] && [ -e mark-2 ]; do sleep 0.02; done; cp "$2" "$3"'
    adapter = program(study, ["sh", "-c", script, "sh", "{seed}", str(clip), "{output}"])
    requests = [request_for(replace(prompt, id=f"ball-{seed}"), seed=seed, timeout_s=20.0) for seed in (1, 2)]
    with ThreadPoolExecutor(max_workers=2) as pool:
        records = list(pool.map(adapter.generate, requests))
    assert [record.request["argv"][4] for record in records] == ["1", "2"]
    assert all(request.output.read_bytes() == clip.read_bytes() for request in requests)
