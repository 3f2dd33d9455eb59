"""Do automatic metrics say what voters say? Never part of a rating: a question about metrics.

agreement_of(votes, values, meanings) -> Agreement

joining     votes and values side by side
pairwise    how often a metric prefers the clip that a voter preferred; how often another voter does
systems     rank correlations of systems' means with their ratings
combining   several metrics together, on prompts they have not seen
table       all of it for every category, question and quantity
"""

from evalharness.agreement.joining import VOTE_COLUMNS, ClipId, newest
from evalharness.agreement.table import agreement_of

__all__ = ["VOTE_COLUMNS", "ClipId", "agreement_of", "newest"]
