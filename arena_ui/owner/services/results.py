"""The boards, by category and question, under the names that are published."""

from __future__ import annotations

from arena_ui.owner.office import Office
from arena_ui.owner.roles import Action, Person
from evalharness.errors import RatingError
from evalharness.records import Category, Leaderboard, Question

__all__ = ["ALL", "board", "categories"]

ALL = "all"


def categories(office: Office, person: Person) -> tuple[str, ...]:
    """`all`, then the categories of the study's prompts. Raises NotAllowed."""
    office.permit(person, Action.RESULTS)
    present = {prompt.category for prompt in office.store.prompts()}
    return (ALL, *(category.value for category in Category if category in present))


def board(office: Office, person: Person, category: str, question: Question) -> Leaderboard | str:
    """The board of the votes that count, or the sentence why there is none. Raises NotAllowed."""
    office.permit(person, Action.RESULTS)
    return office.fresh.get(f"board {category} {question}", lambda: _board(office, category, question))


def _board(office: Office, category: str, question: Question) -> Leaderboard | str:
    from evalharness.standings import Standings  # scipy: only who looks at a board loads it

    standings: Standings = office.lasting.get(
        "standings",
        lambda: Standings(office.store, office.study.systems, office.study.settings.publishing.sort),
    )
    try:
        return standings.board(None if category == ALL else Category(category), question)
    except RatingError as error:
        return str(error)
