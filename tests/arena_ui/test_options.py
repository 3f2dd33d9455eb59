"""Streamlit's settings: what a study needs, and that nothing else is served."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit import config

from arena_ui import options
from evalharness.config import Study
from evalharness.errors import ConfigError

UNDONE = """
import sys
from arena_ui import options
from arena_ui.__main__ import main
configure = options.configure
def undone(hosts):
    configure(hosts)
    options.config.set_option(options.COLLECTION, True)
options.configure = undone
sys.exit(main(sys.argv[1:]))
"""
"""An arena whose options something changes after they were set."""


@pytest.fixture
def streamlit_options() -> Iterator[None]:
    """Streamlit's options, put back afterwards: they are the process's."""
    before = {
        name: config.get_option(name) for name in (*options.OPTIONS, *options.THEME, "server.allowedHosts")
    }
    yield
    for name, value in before.items():
        config.set_option(name, value)


@pytest.mark.usefixtures("streamlit_options")
def test_a_study_is_not_served_with_a_collection_after_each_run() -> None:
    options.configure(["study.example.org"])
    options.check()
    assert config.get_option("server.allowedHosts") == ["study.example.org"]
    config.set_option("runner.postScriptGC", True)
    with pytest.raises(ConfigError, match="postScriptGC is True, and a study needs False"):
        options.check()


def test_an_arena_with_it_does_not_start_and_says_why(make_study: Callable[..., Study]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", UNDONE, str(make_study(prompts=3).folder)],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 2
    assert "runner.postScriptGC is True, and a study needs False" in done.stderr
    assert "Vote at" not in done.stdout
    assert "Traceback" not in done.stderr


@pytest.mark.usefixtures("streamlit_options")
@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("client.showErrorDetails", "full"),
        ("browser.gatherUsageStats", True),
        ("server.enableXsrfProtection", False),
    ],
)
def test_nor_with_any_other_option_undone(name: str, wrong: Any) -> None:
    options.configure([])
    config.set_option(name, wrong)
    with pytest.raises(ConfigError, match=name):
        options.check()


@pytest.mark.usefixtures("streamlit_options")
def test_without_the_option_the_log_says_what_is_done_instead(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    known = dict(config.get_config_options())
    known.pop(options.COLLECTION)
    monkeypatch.setattr(options.config, "get_config_options", lambda: known)
    options.configure([])
    with caplog.at_level(logging.WARNING):
        options.check()
    assert "has no runner.postScriptGC" in caplog.text
    assert "collector's sight" in caplog.text
