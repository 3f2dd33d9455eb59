"""One distribution, three packages, and their data, from a checkout and from a wheel alike."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import venv
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def test_nobody_else_owns_our_names() -> None:
    owners = packages_distributions()
    for name in ("evalharness", "metrics", "arena_ui"):
        assert set(owners.get(name, ["evalharness"])) == {"evalharness"}


def test_constraints_hold_names_and_versions_only() -> None:
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        assert line.startswith("#") or line.count("==") == 1, line
        assert "/" not in line or line.startswith("#"), line


def test_every_direct_dependency_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [
        *project["dependencies"],
        *(row for rows in project["optional-dependencies"].values() for row in rows),
    ]
    names = {row.split("[")[0].split(">")[0].split("<")[0].split("=")[0].strip().lower() for row in wanted}
    pinned = {
        line.split("==")[0].lower()
        for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
        if "==" in line
    }
    assert names - {"evalharness"} <= pinned


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built with the build back end of this environment (nothing is fetched)."""
    folder = tmp_path_factory.mktemp("wheel")
    code = "import sys; from hatchling.build import build_wheel; print(build_wheel(sys.argv[1]))"
    run = subprocess.run(
        [sys.executable, "-c", code, str(folder)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return folder / run.stdout.splitlines()[-1]


def test_the_wheel_carries_code_data_page_and_migrations(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert {"evalharness", "metrics", "arena_ui"} <= tops
    assert all(top in {"evalharness", "metrics", "arena_ui"} or top.endswith(".dist-info") for top in tops)
    for part in (
        "evalharness/_data/prompts/audio-sync.jsonl",
        "evalharness/store/migrations/",
        "evalharness/reports/templates/",
        "arena_ui/player/",
    ):
        assert any(name.startswith(part) for name in names), part
    data = {
        f"evalharness/_data/{file.relative_to(ROOT / 'data').as_posix()}"
        for pattern in ("*.json", "adapters/*", "first_frames/*", "prompts/*")
        for file in (ROOT / "data").glob(pattern)
        if file.is_file() and file.suffix != ".py"
    }
    assert data <= set(names), sorted(data - set(names))
    assert not any("__pycache__" in name or "/runs/" in name for name in names)


def test_an_installed_wheel_finds_its_suites(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=False, system_site_packages=False)
    site = next((tmp_path / "venv").glob("lib/python*/site-packages"))
    zipfile.ZipFile(wheel).extractall(site)
    # The packages this environment has, without its editable install of the checkout.
    import pydantic

    (site / "others.pth").write_text(str(Path(pydantic.__file__).parents[1]), encoding="utf-8")
    code = (
        "import evalharness, evalharness.prompts as p; "
        "from evalharness.adapters.remote.catalogue import catalogues; "
        "print(evalharness.__file__); print(len(p.load_suite('audio-sync')), len(catalogues()))"
    )
    run = subprocess.run(
        [str(tmp_path / "venv/bin/python"), "-I", "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    where, counts = run.stdout.splitlines()
    assert Path(where).is_relative_to(site)
    prompts, vendors = map(int, counts.split())
    assert prompts >= 94
    assert vendors == len(list((ROOT / "data" / "adapters").glob("*.toml")))
