"""From a system's record to its adapter: whatever a package from outside does wrong costs a sentence."""

from __future__ import annotations

from pathlib import Path

from evalharness.adapters.base import Adapter, Capabilities
from evalharness.errors import ConfigError, in_a_line
from evalharness.records import System
from evalharness.registry import ADAPTERS

__all__ = ["make_adapter"]


def make_adapter(system: System, *, folder: Path) -> Adapter:
    """The adapter that reaches `system`; `folder` is the study's.

    Raises UnknownNameError where there is none of that name, and ConfigError where its parameters are
    impossible, or where it comes from another package and is no adapter.
    """
    make = ADAPTERS.load(system.adapter)
    outside = ADAPTERS.outside().get(system.adapter)
    if outside is None:
        made: Adapter = make(system, folder=folder)
        return made
    try:
        made = make(system, folder=folder)
    except ConfigError:
        raise
    except Exception as error:  # somebody else's code, with any fault that it may have
        raise ConfigError(
            f"The adapter '{system.adapter}' ({outside}) could not be made for the system '{system.name}': "
            f"{type(error).__name__}: {in_a_line(error)}. {_WANTED}"
        ) from error
    lacking = [name for name in ("version", "capabilities", "refuse", "generate") if not hasattr(made, name)]
    if lacking or not isinstance(made.capabilities, Capabilities):
        found = f"a {type(made).__name__} without {', '.join(lacking or ['Capabilities'])}"
        raise ConfigError(f"The adapter '{system.adapter}' ({outside}) gave {found}. {_WANTED}")
    return made


_WANTED = (
    "An entry point names a function under @function_adapter, or a class made from (system, folder=...): "
    "see docs/adapters.md."
)
