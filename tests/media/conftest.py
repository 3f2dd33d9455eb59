"""The film maker, as a fixture."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def films() -> ModuleType:
    """The module films.py beside this file."""
    spec = importlib.util.spec_from_file_location(
        "evalharness_test_films", Path(__file__).with_name("films.py")
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
