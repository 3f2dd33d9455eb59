"""The face nets, loaded once, for tests that ask what an outsider sees."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest


def _facenet() -> ModuleType:
    spec = importlib.util.spec_from_file_location("facenet", Path(__file__).with_name("facenet.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def face_net() -> Any:
    """A `facenet.FaceNet`."""
    return _facenet().FaceNet()
