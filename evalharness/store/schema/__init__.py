"""The tables of a study, and the rules the database itself enforces.

`migrations/` makes these tables; a test holds the two together. Labels (`state`, `outcome`, …) are
text with a CHECK, so that a database can be read without this program. Votes, exclusions, battles, faults and
the audit are append only by trigger (see the migrations).
"""

from evalharness.store.schema.columns import METADATA, UtcTime
from evalharness.store.schema.making import (
    OPEN_PURCHASE,
    clips,
    contents,
    exhibits,
    jobs,
    measurements,
    prompts,
    purchases,
    systems,
)
from evalharness.store.schema.voting import (
    arrivals,
    audit,
    battle_questions,
    battles,
    exclusions,
    faults,
    rulings,
    screenings,
    voters,
    votes,
)

__all__ = [
    "METADATA",
    "OPEN_PURCHASE",
    "UtcTime",
    "arrivals",
    "audit",
    "battle_questions",
    "battles",
    "clips",
    "contents",
    "exclusions",
    "exhibits",
    "faults",
    "jobs",
    "measurements",
    "prompts",
    "purchases",
    "rulings",
    "screenings",
    "systems",
    "voters",
    "votes",
]
