"""An adapter from outside: found by its entry point, held to the contract, used by the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from evalharness.registry import ADAPTERS

ROOT = Path(__file__).parents[2]

MODULE = '''
import shutil
from evalharness.adapters.base import Capabilities, Generated, SeedSupport
from evalharness.adapters.parameters import Parameters, read_parameters
from evalharness.errors import GenerationError
from evalharness.records import FailureKind, Task


class Echo(Parameters):
    source: str


class EchoAdapter:
    """Answers every prompt with the same clip."""

    version = "1"
    capabilities = Capabilities(tasks=(Task.TEXT_TO_VIDEO,), seed=SeedSupport.EXACT, languages=("en",))

    def __init__(self, system, *, folder):
        self.source = folder / read_parameters(Echo, system).source

    def refuse(self, request):
        if request.prompt.task is Task.TEXT_TO_VIDEO and request.prompt.language == "en":
            return None
        return "Echo answers English prompts without a picture alone."

    def generate(self, request):
        try:
            shutil.copyfile(self.source, request.output)
        except OSError as error:
            request.output.unlink(missing_ok=True)
            raise GenerationError(FailureKind.MISSING, f"Echo has no clip: {error.strerror}.") from error
        return Generated(request={"prompt": request.prompt.text})
'''

CONTRACT = """
import os
from evalharness.testing.adapter_contract import AdapterContract


class TestEcho(AdapterContract):
    name = "echo"

    def parameters(self, folder, prompts):
        return {"source": os.environ["ECHO_CLIP"]}

    def broken_parameters(self, folder, prompts):
        return {"source": "gone.mp4"}
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder as pip leaves it: the package `echo_adapter` with its entry point."""
    site = tmp_path / "site"
    install(site, "echo", "echo_adapter:EchoAdapter")
    (site / "echo_adapter.py").write_text(MODULE, encoding="utf-8")
    return site


def install(site: Path, name: str, target: str, distribution: str = "echo_adapter") -> None:
    info = site / f"{distribution}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[evalharness.adapters]\n{name} = {target}\n")


@pytest.fixture
def clip(tmp_path: Path, make_clip: Callable[..., Path]) -> Path:
    return make_clip(tmp_path / "echo.mp4")


@pytest.fixture
def study(tmp_path: Path, clip: Path) -> Path:
    """A study whose one system is reached by the outside adapter."""
    folder = tmp_path / "study"
    folder.mkdir()
    base = {"task": "text_to_video", "text": "A ball.", "licence": "CC0-1.0"}
    lines = [{"id": "ball-en", "language": "en", **base}, {"id": "ball-de", "language": "de", **base}]
    (folder / "mine.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    (folder / "study.toml").write_text(
        'name = "outside"\n[prompts]\nsuites = ["mine.jsonl"]\n'
        '[[systems]]\nname = "alpha"\nadapter = "echo"\n'
        f"parameters = {{ source = {json.dumps(str(clip))} }}\n",
        encoding="utf-8",
    )
    return folder


def python(*words: str, site: Path | None, **environment: str) -> subprocess.CompletedProcess[str]:
    """Python from the project's folder, with `site` among the places it looks in."""
    return subprocess.run(
        [sys.executable, *words],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(site or ""), "COLUMNS": "200", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_registry_finds_it_beside_the_built_in_ones(site: Path) -> None:
    code = "from evalharness.registry import ADAPTERS; print(*ADAPTERS, ADAPTERS.load('echo').__module__)"
    shown = python("-c", code, site=site)
    *names, module = shown.stdout.split()
    assert (names, module) == (sorted({*ADAPTERS, "echo"}), "echo_adapter"), shown.stderr


def test_it_is_imported_only_when_it_is_used(site: Path) -> None:
    """A broken package from outside must not stop those who do not use it."""
    (site / "echo_adapter.py").write_text("raise RuntimeError('broken')", encoding="utf-8")
    code = "from evalharness.registry import ADAPTERS; print(ADAPTERS.load('folder').__name__)"
    assert python("-c", code, site=site).stdout.strip() == "FolderAdapter"


def test_generate_uses_it_and_records_what_it_says(site: Path, study: Path, clip: Path) -> None:
    shown = python("-m", "evalharness", "generate", str(study), "--json", site=site)
    assert shown.returncode == 4, shown.stderr
    said = json.loads(shown.stdout)
    assert (said["planned"], said["made"]) == (2, 1)
    assert [(row["prompt_id"], row["message"]) for row in said["failures"]] == [
        ("ball-de", "Echo answers English prompts without a picture alone.")
    ]
    (kept,) = (path for path in (study / "clips").rglob("*.mp4") if path.is_file())
    assert kept.read_bytes() == clip.read_bytes()


def test_without_its_package_the_study_says_what_is_missing(study: Path) -> None:
    shown = python("-m", "evalharness", "generate", str(study), site=None)
    assert shown.returncode == 2
    assert "There is no adapter 'echo'" in shown.stderr
    assert f"Known: {', '.join(sorted(ADAPTERS))}" in " ".join(shown.stderr.split())
    assert "Traceback" not in shown.stderr


@pytest.mark.parametrize(
    ("module", "said"),
    [
        ("raise RuntimeError('half installed')", "RuntimeError: half installed"),
        ("raise RuntimeError('half\\n  installed')", "RuntimeError: half installed. Mend"),
        ("", "AttributeError: module 'echo_adapter' has no attribute 'EchoAdapter'"),
        ("EchoAdapter = 7", "TypeError: it names a int, and no function or class"),
    ],
)
def test_a_broken_package_is_named_in_a_sentence(site: Path, study: Path, module: str, said: str) -> None:
    (site / "echo_adapter.py").write_text(module, encoding="utf-8")
    shown = python("-m", "evalharness", "generate", str(study), site=site)
    text = " ".join(shown.stderr.split())
    assert shown.returncode == 2
    assert "The adapter 'echo' (echo_adapter:EchoAdapter of echo_adapter 1.0) cannot be used" in text
    assert said in text
    assert "Traceback" not in shown.stderr


def test_an_adapter_that_leaves_the_program_costs_its_clips_alone(site: Path, study: Path) -> None:
    leaving = MODULE.replace(
        "        try:\n            shutil", "        raise SystemExit(3)\n        try:\n            shutil"
    )
    assert leaving != MODULE
    (site / "echo_adapter.py").write_text(leaving, encoding="utf-8")
    shown = python("-m", "evalharness", "generate", str(study), "--json", site=site)
    assert shown.returncode == 4, shown.stderr
    messages = [row["message"] for row in json.loads(shown.stdout)["failures"]]
    assert any("SystemExit: 3" in message for message in messages)


def hold_to_contract(site: Path, clip: Path, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the contract as the outside package's own tests would."""
    suite = folder / "test_echo.py"
    suite.write_text(CONTRACT, encoding="utf-8")
    words = ("-m", "pytest", str(suite), "-q", "-p", "no:cacheprovider", "-c", str(ROOT / "pyproject.toml"))
    return python(*words, *options, site=site, ECHO_CLIP=str(clip))


def test_it_is_held_to_the_contract_by_inheriting_it(site: Path, clip: Path, tmp_path: Path) -> None:
    shown = hold_to_contract(site, clip, tmp_path)
    assert shown.returncode == 0, shown.stdout
    assert " passed" in shown.stdout


@pytest.mark.parametrize(
    ("break_it", "caught_by"),
    [
        (('version = "1"', "version = ''"), "test_declares_a_version"),
        (
            ("read_parameters(Echo, system).source", "system.parameters['source']"),
            "test_an_unknown_parameter",
        ),
        (("folder / read", "(folder / 'x').touch() or folder / read"), "test_making_it_touches"),
        (('{"prompt": request.prompt.text}', "{'prompt': request.prompt}"), "test_its_record_is_json"),
        (('without a picture alone."', '"[:0]'), "test_what_it_cannot_do_it_refuses"),
        (("except OSError", "except KeyError"), "test_a_failure_is_a_generation_error"),
    ],
    ids=lambda case: case if isinstance(case, str) else "",
)
def test_the_contract_catches_who_breaks_it(
    site: Path, clip: Path, tmp_path: Path, break_it: tuple[str, str], caught_by: str
) -> None:
    assert break_it[0] in MODULE
    (site / "echo_adapter.py").write_text(MODULE.replace(*break_it), encoding="utf-8")
    shown = hold_to_contract(site, clip, tmp_path, "-k", caught_by)
    assert shown.returncode == 1, shown.stdout
    assert f"TestEcho::{caught_by}" in shown.stdout


@pytest.mark.parametrize("name", ["folder", "echo"])
def test_a_name_that_two_packages_want_serves_neither(site: Path, study: Path, name: str) -> None:
    install(site, name, "second_adapter:SecondAdapter", distribution="second_adapter")
    settings = study / "study.toml"
    settings.write_text(settings.read_text().replace('adapter = "echo"', f'adapter = "{name}"'))
    shown = python("-m", "evalharness", "generate", str(study), site=site)
    said = " ".join(shown.stderr.split())
    assert shown.returncode == 2
    assert f"The adapter name '{name}' is taken by" in said
    assert "second_adapter:SecondAdapter of second_adapter 1.0 cannot use it too" in said or name == "echo"
    assert said.endswith("Rename one of them.")
    assert "Traceback" not in said


def test_a_fight_over_another_name_stops_nobody(site: Path, study: Path) -> None:
    install(site, "folder", "second_adapter:SecondAdapter", distribution="second_adapter")
    shown = python("-m", "evalharness", "generate", str(study), "--json", site=site)
    assert json.loads(shown.stdout)["made"] == 1, shown.stderr


NO_ADAPTERS = {
    "def EchoAdapter(request, settings):\n    return {}\n": "TypeError: EchoAdapter() got an unexpected",
    "def EchoAdapter(system, *, folder):\n    return {}\n": "gave a dict without version, capabilities",
    MODULE.replace("Capabilities(tasks", "dict(tasks"): "gave a EchoAdapter without Capabilities",
}


@pytest.mark.parametrize(("module", "said"), NO_ADAPTERS.items(), ids=range(len(NO_ADAPTERS)))
def test_what_is_no_adapter_is_answered_with_what_one_is(
    site: Path, study: Path, module: str, said: str
) -> None:
    (site / "echo_adapter.py").write_text(module, encoding="utf-8")
    shown = python("-m", "evalharness", "generate", str(study), site=site)
    text = " ".join(shown.stderr.split())
    assert shown.returncode == 2
    assert "The adapter 'echo' (echo_adapter:EchoAdapter of echo_adapter 1.0)" in text
    assert said in text
    assert "a function under @function_adapter" in text
    assert "Traceback" not in text


def test_adapters_and_doctor_list_plugins_and_say_what_is_wrong_with_them(site: Path, study: Path) -> None:
    install(site, "broken", "broken_adapter:Broken", distribution="broken_adapter")
    install(site, "folder", "second_adapter:SecondAdapter", distribution="second_adapter")
    shown = python("-m", "evalharness", "adapters", site=site)
    assert shown.returncode == 0, shown.stderr
    lines = {line.partition(":")[0]: line for line in shown.stdout.splitlines()}
    origin = "echo_adapter:EchoAdapter of echo_adapter 1.0"
    assert lines["echo"].startswith(f"echo: plugin, {origin}: makes t2v; seed exact")
    assert "No module named 'broken_adapter'" in lines["broken"]
    assert "The adapter name 'folder' is taken by" in shown.stdout
    listed = json.loads(python("-m", "evalharness", "adapters", "--json", site=site).stdout)
    rows = {row["adapter"]: row for row in listed}
    assert rows["echo"]["capabilities"]["tasks"] == ["text_to_video"]
    assert "problem" in rows["broken"]
    examined = json.loads(python("-m", "evalharness", "doctor", str(study), "--json", site=site).stdout)
    found = {row["what"]: row for row in examined}
    assert [found[f"adapter {name}"]["state"] for name in ("echo", "broken", "folder")] == [
        "ok",
        "bad",
        "bad",
    ]
    assert found["system alpha"]["state"] == "ok"
