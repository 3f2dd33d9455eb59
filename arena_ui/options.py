"""Streamlit's settings as a blind study needs them, whatever its own files and the environment say."""

from __future__ import annotations

import logging
from typing import Any

from streamlit import config

from arena_ui.look import THEME
from evalharness.errors import ConfigError

__all__ = ["COLLECTION", "OPTIONS", "check", "configure"]

LOG = logging.getLogger(__name__)
COLLECTION = "runner.postScriptGC"
OPTIONS: dict[str, Any] = {
    # A full collection after each script run costs 80 ms of every voter's time: with it, a hundred voters
    # wait ten seconds, and without it 30 ms. Start-up's objects are frozen instead (`asgi`).
    COLLECTION: False,
    "runner.magicEnabled": False,
    "browser.gatherUsageStats": False,
    "client.showErrorDetails": "none",
    "client.showErrorLinks": False,
    "client.toolbarMode": "minimal",
    "server.disconnectedSessionTTL": 120,
    "server.enableCORS": True,
    "server.enableXsrfProtection": True,
    "server.fileWatcherType": "none",
    "server.headless": True,
    "server.maxUploadSize": 1,
    "logger.enableRich": False,
    "logger.level": "warning",
}
MISSING = (
    f"This Streamlit has no {COLLECTION}. What start-up made is kept out of the collector's sight instead, "
    "which helps half: measure how long votes take (benchmarks/arena.py) before many vote at once."
)


def configure(allowed_hosts: list[str]) -> None:
    """Set every option; `allowed_hosts` as in study.toml, empty for any."""
    for name, value in {**OPTIONS, **THEME, "server.allowedHosts": allowed_hosts}.items():
        if name != COLLECTION or exists(COLLECTION):
            config.set_option(name, value)


def exists(name: str) -> bool:
    """Whether this Streamlit knows the option; hidden ones may go with any version."""
    return name in config.get_config_options()


def check() -> None:
    """Refuse to serve where an option is not what the study needs: something set it since `configure`.

    Raises ConfigError. Where this Streamlit has no collection option, the log says what is done instead.
    """
    if not exists(COLLECTION):
        LOG.warning(MISSING)
    for name, wanted in OPTIONS.items():
        found = config.get_option(name) if exists(name) else wanted
        if found != wanted:
            raise ConfigError(
                f"Streamlit's {name} is {found!r}, and a study needs {wanted!r}. Start the arena with "
                "'python -m evalharness arena' or 'python -m arena_ui', which set it."
            )
