"""Reading a system's parameters: strict, and answered with one sentence when they are wrong."""

from __future__ import annotations

from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from evalharness.errors import ConfigError
from evalharness.records import System

__all__ = ["Parameters", "read_parameters"]


class Parameters(BaseModel):
    """What `[systems.parameters]` may say for one adapter; subclass it with the adapter's own keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


P = TypeVar("P", bound=Parameters)


def read_parameters(model: type[P], system: System) -> P:
    """The system's parameters as an instance of `model`.

    Raises ConfigError naming the system, the parameter, what was found and what is allowed.
    """
    try:
        return model.model_validate(dict(system.parameters))
    except ValidationError as error:
        first, *others = error.errors()
        more = f" ({len(others)} more problem{'s' if len(others) > 1 else ''} after that.)" if others else ""
        key = ".".join(str(part) for part in first["loc"]) or "parameters"
        if first["type"] == "extra_forbidden":
            known = ", ".join(model.model_fields)
            problem = f"the adapter '{system.adapter}' knows no such parameter; it knows {known}"
        elif first["type"] == "missing":
            problem = "found nothing; it must be given"
        else:
            reason = first["msg"].removeprefix("Value error, ")
            problem = f"found {first['input']!r}; {reason[:1].lower() + reason[1:]}"
        raise ConfigError(f"System '{system.name}': {key}: {problem}.{more}") from error
