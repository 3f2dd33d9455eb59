"""Quality control of voters: what they did, what the study's rules make of it, and whether they agree.

    conducts(battles, votes, labels=…)   -> a record a voter: checks passed, habits, evidence against them
    verdict(conduct, settings)           -> whether to pay them and whether to count their votes, with reasons
    rulings_due(verdicts, rulings, now)  -> the decisions to put on record; a person's stand
    agreement(battles, votes, question)  -> Krippendorff's alpha with an interval

To pay and to count are two matters: who gave their time is paid, even where their votes are of no use. None
of it changes anything; whoever applies it puts rulings into the store, and voters see no difference.
"""

from evalharness.quality.agreement import Agreement, agreement
from evalharness.quality.conduct import Conduct, Conducts, Count, conducts, overall_ballots
from evalharness.quality.rules import RULES, Verdict, newest, rulings_due, verdict

__all__ = [
    "RULES",
    "Agreement",
    "Conduct",
    "Conducts",
    "Count",
    "Verdict",
    "agreement",
    "conducts",
    "newest",
    "overall_ballots",
    "rulings_due",
    "verdict",
]
