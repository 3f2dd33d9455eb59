"""How much less a vote tells because voters and prompts have tastes, measured on votes at hand.

Two votes of one voter, or on one prompt, resemble each other. The design effect (Kish 1965) says by how much
that raises the variance of a difference between two systems over what as many independent votes would give.
It is taken apart by *which* pairs of votes resemble each other, z_k being what vote k adds to the estimate:

    independent  sum_k z_k z_k'                         as if no two votes had anything in common
    of voters    sum over k != l, same voter, other prompt     of z_k z_l'
    of prompts   sum over k != l, same prompt, other voter     of z_k z_l'
    of cells     sum over k != l, same voter, same prompt      of z_k z_l'

    design effect = (independent + voters + prompts + cells) / independent, of the variance of a difference
                    between two systems, averaged over all pairs of systems

A part is a sum over pairs of votes. Divided by how many such pairs there are it becomes the variance, from
voter to voter or from prompt to prompt, of the gap between two systems. That no longer depends on how many
votes, voters and prompts there were, so a plan for another study can start from it.

Sums within a cluster are corrected for the fit having seen the cluster: H^-1 s_g s_g' (H - H_g)^-1, the form
between sandwich and jackknife that is unbiased where votes are independent (as CR2 in Bell & McCaffrey 2002).
Ties and both-bad are left out: given that a vote is decisive, Davidson's model is Bradley-Terry.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.special import expit

from evalharness.errors import RatingError
from evalharness.ratings.bradley_terry import bradley_terry
from evalharness.ratings.leave_out import leave_out_moves
from evalharness.ratings.newton import Fit, Reals, order_identifiable
from evalharness.ratings.tally import LEFT, RIGHT, Codes, Tally

__all__ = ["DesignEffect", "design_effect"]

_ONE_IN_TWENTY = 1.645
"""Normal quantile."""


@dataclass(frozen=True, slots=True, eq=False)
class DesignEffect:
    """Where the uncertainty of a board comes from.

    Matrices are in squared logits, the strengths summing to zero.
    """

    systems: tuple[str, ...]
    votes: int
    """All votes, ties and both-bad included."""
    decisive: int
    """Those that prefer a side: what is measured here."""
    voters: int
    prompts: int
    independent: Reals
    """Shape (systems, systems): covariance of the strengths if no two votes had anything in common."""
    of_voters: Reals
    """What votes of one voter on different prompts add to it."""
    of_prompts: Reals
    """What votes of different voters on one prompt add to it."""
    of_cells: Reals
    """What votes of one voter on one prompt add to it."""
    voter_sd: float | None
    """How far a gap differs from voter to voter: standard deviation, in logits, 0 where no difference
    shows; None where no voter voted on two prompts, so that nothing is known."""
    prompt_sd: float | None
    """The same from prompt to prompt; None where no prompt had two voters."""
    voter_floor: float | None
    """The `voter_sd` that as many alike voters would show by chance one time in twenty; None as above."""
    prompt_floor: float | None
    voter_evenness: float
    """How many voters of equal activity would serve as well as these, over their number; at most 1."""
    prompt_evenness: float

    @property
    def total(self) -> Reals:
        """Shape (systems, systems): covariance of the strengths, all four parts."""
        return self.independent + self.of_voters + self.of_prompts + self.of_cells

    @property
    def ratio(self) -> float:
        """The design effect of the mean difference; votes tell as much as votes / ratio independent ones.

        Around 1 by chance on either side where votes are independent.
        """
        return float(np.trace(self.total) / np.trace(self.independent))

    @property
    def tie_share(self) -> float:
        """Ties and both-bad over all votes."""
        return 1.0 - self.decisive / self.votes


def design_effect(votes: Tally) -> DesignEffect:
    """Measure it on the decisive votes of a board.

    Raises RatingError without a decisive vote, or where they hardly outnumber the systems;
    DisconnectedError where they leave systems uncompared.
    """
    decisive = votes.where((votes.outcome == LEFT) | (votes.outcome == RIGHT))
    free = len(votes.systems)
    if decisive.votes <= free:
        raise RatingError(
            f"A design effect cannot be measured on {decisive.votes} decisive votes of {votes.votes}. "
            "Collect some dozens of votes a system first."
        )
    fit = bradley_terry(decisive, order_effect=order_identifiable(decisive))
    scores = _scores(fit, decisive)
    reach: Reals = np.linalg.inv(fit.information)[:free].astype(float)
    reach -= reach.mean(axis=0)
    cell = decisive.voter * len(votes.prompts) + decisive.prompt
    seen_by_fit = decisive.votes / (decisive.votes - free)
    independent = seen_by_fit * _squares(scores, reach)
    cells = seen_by_fit * _squares(_summed(scores, np.unique(cell, return_inverse=True)[1]), reach)
    by_voter = _between(fit, decisive, scores, reach, decisive.voter)
    by_prompt = _between(fit, decisive, scores, reach, decisive.prompt)
    nothing = np.zeros_like(cells)  # a lone voter's taste cannot be told from the strengths themselves
    of_voters = nothing if by_voter is None else by_voter - cells
    of_prompts = nothing if by_prompt is None else by_prompt - cells
    voter_sd, voter_floor = _gap_sd(of_voters, independent, decisive.voter, cell)
    prompt_sd, prompt_floor = _gap_sd(of_prompts, independent, decisive.prompt, cell)
    return DesignEffect(
        systems=votes.systems,
        votes=votes.votes,
        decisive=decisive.votes,
        voters=len(np.unique(decisive.voter)),
        prompts=len(np.unique(decisive.prompt)),
        independent=independent,
        of_voters=of_voters,
        of_prompts=of_prompts,
        of_cells=cells - independent,
        voter_sd=voter_sd,
        prompt_sd=prompt_sd,
        voter_floor=voter_floor,
        prompt_floor=prompt_floor,
        voter_evenness=_evenness(decisive.voter),
        prompt_evenness=_evenness(decisive.prompt),
    )


def _scores(fit: Fit, votes: Tally) -> sparse.csr_array:
    """Shape (votes, parameters): what each vote pulls at the strengths and at the order effect."""
    gap = fit.strengths[votes.left] - fit.strengths[votes.right] + (fit.order_effect or 0.0)
    pull = (votes.outcome == LEFT) - expit(gap)
    columns, values = [votes.left, votes.right], [pull, -pull]
    if fit.order_effect is not None:
        columns.append(np.full(votes.votes, len(votes.systems)))
        values.append(pull)
    rows = np.tile(np.arange(votes.votes), len(columns))
    where = (rows, np.concatenate(columns))
    return sparse.csr_array((np.concatenate(values), where), shape=(votes.votes, len(fit.information)))


def _summed(scores: sparse.csr_array, cluster: Codes) -> sparse.csr_array:
    """Shape (clusters, parameters): scores added up within each cluster."""
    rows = np.arange(len(cluster))
    gather = sparse.csr_array((np.ones(len(rows)), (cluster, rows)), shape=(cluster.max() + 1, len(rows)))
    return gather @ scores


def _squares(scores: sparse.csr_array, reach: Reals) -> Reals:
    meat: Reals = reach @ (scores.T @ scores).toarray() @ reach.T
    return meat


def _between(fit: Fit, votes: Tally, scores: sparse.csr_array, reach: Reals, cluster: Codes) -> Reals | None:
    """Sum over clusters of H^-1 s_g s_g' (H - H_g)^-1, made symmetric; None for a lone cluster."""
    codes, cluster = np.unique(cluster, return_inverse=True)
    if len(codes) == 1:
        return None
    kept = -_summed(scores, cluster).toarray() @ reach.T
    left_out = leave_out_moves(fit, votes, cluster, len(codes))[:, : len(votes.systems)]
    left_out -= left_out.mean(axis=1, keepdims=True)
    product = kept.T @ left_out
    symmetric: Reals = 0.5 * (product + product.T)
    return symmetric


def _gap_sd(
    part: Reals, independent: Reals, cluster: Codes, cell: Codes
) -> tuple[float, float] | tuple[None, None]:
    """Standard deviation of a gap between clusters, and the one that chance shows one time in twenty.

    The variance that clusters add is a sum over `together` products of two votes' parts. Where votes are
    independent each product has mean zero and, in each of the dimensions that differences have, a
    standard deviation of one vote's variance; every pair comes twice.
    """
    together = _ordered_pairs(cluster) - _ordered_pairs(cell)
    if together == 0 or len(np.unique(cluster)) == 1:
        return None, None
    votes, dimensions = len(cluster), len(part) - 1
    added, of_one_vote = (2.0 * np.trace(each) / dimensions for each in (part, independent * votes))
    chance = of_one_vote * np.sqrt(2.0 / (together * dimensions))
    return float(np.sqrt(max(added, 0.0) * votes**2 / together)), float(np.sqrt(_ONE_IN_TWENTY * chance))


def _ordered_pairs(codes: Codes) -> float:
    sizes = np.unique(codes, return_counts=True)[1].astype(float)
    return float((sizes**2).sum())


def _evenness(codes: Codes) -> float:
    sizes = np.unique(codes, return_counts=True)[1]
    return min(1.0, float(sizes.sum() ** 2 / (len(sizes) * _ordered_pairs(codes))))
