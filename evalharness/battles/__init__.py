"""Which battle comes next, and which side each clip is shown on: pure and seeded.

    distribution(pool, shown, tally, policy) -> every pair that may come next, with its probability
    draw(pool, shown, tally, policy, rng)    -> one of them, sides drawn, or None when nothing is left
    questions_for(...)                       -> what is asked about it

A *pair* is two systems on one prompt; a voter never sees the same pair twice, whichever seeds or
sides. Under `uniform` every pair the voter has not seen is equally likely. Under `balanced` the
category with the fewest battles in the study goes first, in it the two systems that met least, of
their prompts the one they met least on; only what ties after that is left to chance. Under `gap_aware`
the category is chosen likewise, then two systems by a preference that is handed in (evalharness.ratings
makes one from the votes), then one of the prompts on which they met least. Without a
preference for the category the draw is balanced, and says so. The probability that is stored with a battle
is that of the unordered pair, given all battles before.

Sides: the order in which two systems were shown less often is taken, so over a study the two orders
of two systems differ by one at most, in whatever sequence pairs and voters come. Where a battle is taken
back that nobody answered, the orders may differ by more until the next battles of these systems even them.

Quotas: two systems in a category, a prompt or a category that have as many battles as are wanted rest,
whatever the policy; they come back where a battle is taken back.
"""

from evalharness.battles.checks import Agenda, Checks, trap_answer
from evalharness.battles.drawing import Draw, Policy, Preference, distribution, draw
from evalharness.battles.golds import Gold, draw_gold, gold_pairs
from evalharness.battles.pool import Pair, Pool, pair_of
from evalharness.battles.questions import in_order_for, questions_for
from evalharness.battles.tally import Quotas, Tally

__all__ = [
    "Agenda",
    "Checks",
    "Draw",
    "Gold",
    "Pair",
    "Policy",
    "Pool",
    "Preference",
    "Quotas",
    "Tally",
    "distribution",
    "draw",
    "draw_gold",
    "gold_pairs",
    "in_order_for",
    "pair_of",
    "questions_for",
    "trap_answer",
]
