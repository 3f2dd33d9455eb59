"""What the link of a recruiting platform says of who comes by it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import parse_qsl, urlsplit

from evalharness.settings import Platform, RecruitingSettings

__all__ = ["Referral", "Turned", "parameters_of", "referral"]

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@:+~-]{0,127}")
"""What platforms call people, studies and sessions; a placeholder that nobody filled is none."""
LONGEST_QUERY = 4096
MOST_PARAMETERS = 50
SUBMIT_PARAMETER = "turkSubmitTo"
PREVIEWED = "ASSIGNMENT_ID_NOT_AVAILABLE"
"""In place of an assignment while somebody only looks at the task."""


class Turned(StrEnum):
    """Why nobody can take part by this link."""

    INCOMPLETE = "incomplete"
    """It does not say who comes, or where they are to go afterwards."""
    PREVIEW = "preview"
    """The task was not accepted yet."""


@dataclass(frozen=True, slots=True)
class Referral:
    """Somebody whom a platform sent."""

    platform: Platform
    person: str
    """What the platform calls them."""
    details: Mapping[str, str]
    """`study` and `session` as the platform names them, `submit_to` where it says where to go afterwards."""


def parameters_of(query: object) -> dict[str, str]:
    """The parameters of an address, as `location.search` holds them; none where that is no such text.

    Of a name that stands twice the last counts.
    """
    if not isinstance(query, str) or len(query) > LONGEST_QUERY:
        return {}
    try:
        return dict(parse_qsl(query.removeprefix("?"), max_num_fields=MOST_PARAMETERS))
    except ValueError:
        return {}


def referral(parameters: Mapping[str, str], settings: RecruitingSettings) -> Referral | Turned | None:
    """Who comes by a link with these parameters; None in a study that nobody recruits for."""
    if settings.platform is Platform.OPEN:
        return None
    person = _named(parameters, settings.person_parameter)
    session = _named(parameters, settings.session_parameter)
    details = {"study": _named(parameters, settings.study_parameter), "session": session}
    if settings.platform is Platform.MTURK:
        if session == PREVIEWED:
            return Turned.PREVIEW
        details["submit_to"] = _mturk_host(parameters.get(SUBMIT_PARAMETER, ""))
        if not (session and details["submit_to"]):
            return Turned.INCOMPLETE
    if not person:
        return Turned.INCOMPLETE
    return Referral(settings.platform, person, {name: value for name, value in details.items() if value})


def _named(parameters: Mapping[str, str], name: str) -> str:
    value = parameters.get(name, "") if name else ""
    return value if NAME.fullmatch(value) else ""


def _mturk_host(address: str) -> str:
    """The origin of an address of Mechanical Turk; "" for any other."""
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
    except ValueError:
        return ""
    ours = (
        parts.scheme == "https" and parts.netloc == host and re.fullmatch(r"([a-z0-9-]+\.)*mturk\.com", host)
    )
    return f"https://{host}" if ours else ""
