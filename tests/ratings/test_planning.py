"""Sample sizes against published formulas and worked figures, and plans against simulated studies."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from evalharness.errors import RatingError, UnknownNameError
from evalharness.ratings import IntervalMethod, Tally, bradley_terry, covariance, estimate
from evalharness.ratings.design_effect import design_effect
from evalharness.ratings.estimate import ELO_PER_LOGIT
from evalharness.ratings.long_run import long_run
from evalharness.ratings.more_votes import more_votes
from evalharness.ratings.planning import ASSUMED, Aim, Crowd, independent_votes, plan
from evalharness.ratings.power_check import simulated_power
from evalharness.ratings.simulate import simulate

ALIKE = Crowd(voter_sd=0.0, prompt_sd=0.0)
STRENGTHS = np.linspace(-0.9, 0.9, 8)


@pytest.mark.parametrize(
    ("gap", "votes"),
    [(5, 37_900), (10, 9_470), (14, 4_830), (20, 2_370), (30, 1_050), (50, 376), (106, 82), (150, 40)],
)
def test_independent_votes_for_known_gaps(gap: float, votes: int) -> None:
    assert independent_votes(Aim(gap)) == pytest.approx(votes, rel=0.002, abs=0.5)
    assert independent_votes(Aim(-gap)) == independent_votes(Aim(gap))


def test_independent_votes_by_hand() -> None:
    """30 Elo is p = 0.54308; (1.95996 + 0.84162)^2 x 0.24814 / 0.04308^2 = 1,049.4 with these digits."""
    assert independent_votes(Aim(30)) == pytest.approx(1_049.4, abs=1.0)
    # As good in truth, margin 50 Elo (p0 = 0.42853), one-sided: (1.64485 + 0.84162)^2 / 4 / 0.07147^2
    assert independent_votes(Aim(0, margin_elo=50)) == pytest.approx(302.6, abs=0.3)


def test_independent_votes_have_the_power_they_promise() -> None:
    """Wald's test on exact binomial draws."""
    size = int(np.ceil(independent_votes(Aim(30))))
    wins = np.arange(size + 1)
    share = wins / size
    shown = share - 0.5 > stats.norm.ppf(0.975) * np.sqrt(share * (1 - share) / size)
    assert stats.binom.pmf(wins, size, Aim(30).win_rate)[shown].sum() == pytest.approx(0.8, abs=0.015)


def test_a_plan_without_tastes_needs_the_independent_votes_and_more_on_larger_boards() -> None:
    few = plan(Aim(20), ALIKE, voters=[2_000], prompts=[2_000])[0]
    assert few.votes == pytest.approx(independent_votes(Aim(20)), rel=0.01)
    assert few.design_effect == pytest.approx(1.0)
    board = plan(Aim(20), ALIKE, systems=6, voters=[2_000], prompts=[2_000])[0]
    assert board.votes == pytest.approx(5 * few.votes, rel=0.001)


def test_ties_are_cast_on_top_and_wide_gaps_need_more() -> None:
    assert (
        plan(Aim(150), ALIKE, voters=[50], prompts=[50])[0].votes == 53
    )  # intervals are symmetric in logits
    tied = Crowd(voter_sd=0.0, prompt_sd=0.0, tie_share=0.5)
    without = plan(Aim(50), ALIKE, voters=[50], prompts=[50])[0].votes
    assert plan(Aim(50), tied, voters=[50], prompts=[50])[0].votes == 2 * without


def test_no_number_of_votes_replaces_voters() -> None:
    """With 30 voters of sd 100 the standard error stays above 18.3 Elo; 50 Elo need 50 / 2.9 = 17.2."""
    crowd = Crowd(voter_sd=100.0, prompt_sd=0.0)
    assert plan(Aim(50), crowd, voters=[30], prompts=[320]) == ()
    found = {design.voters: design for design in plan(Aim(50), crowd, voters=[40, 60, 300], prompts=[320])}
    assert found[40].votes > found[60].votes > found[300].votes
    assert found[40].limited_by == "voters"
    assert found[300].limited_by == "votes"


@pytest.mark.parametrize(
    ("aim", "crowd", "systems", "voters", "prompts"),
    [
        (Aim(60), ASSUMED, 2, 100, 80),
        (Aim(0, margin_elo=60), Crowd(60, 80, tie_share=0.1, voter_evenness=0.4), 4, 150, 80),
        (Aim(150), ALIKE, 2, 30, 30),
    ],
    ids=["difference", "no worse, uneven voters, board of four", "wide gap, few votes"],
)
def test_simulated_studies_have_the_planned_power(
    aim: Aim, crowd: Crowd, systems: int, voters: int, prompts: int
) -> None:
    (design,) = plan(aim, crowd, systems=systems, voters=[voters], prompts=[prompts])
    found = simulated_power(design, aim, crowd, systems=systems, boards=120)
    assert found == pytest.approx(design.power, abs=0.11)  # three standard errors


def test_power_is_not_overstated_where_voters_have_no_gap() -> None:
    """Two-sided at 5 %: of boards without a gap, 2.5 % may claim one in this direction."""
    (design,) = plan(Aim(60), ASSUMED, voters=[60], prompts=[60])
    truth = Aim(0.001)  # the same study when there is nothing to be found
    assert simulated_power(design, truth, ASSUMED, boards=120) <= 0.075


def test_design_effect_by_hand() -> None:
    """One voter finds a better 30 : 10, the other b; 80 votes, all on prompts of their own.

    p = 1/2, H = 80/4 = 20, each z_k = +-(1/2)/20 of a gap. Independent: 80 / 1600 = 0.05, times 80/78 as
    the fit has seen the votes = 0.0513. Voters: s = +-10, H - H_g = 10, so 10 x 10 / (20 x 10) = 1/2 each,
    1 in all. No votes share a cell. Design effect 1 / 0.0513 = 19.5 (19.4 with the prior).
    """
    first_wins = np.repeat([1, 1, 1, 0, 1, 0, 0, 0], 10)
    counts = np.zeros((4, 2, 2), dtype=np.int64)
    counts[0, 0, 1] = counts[1, 0, 1] = 40
    rows = np.arange(80)
    votes = Tally(
        ("a", "b"),
        ("one", "two"),
        tuple(f"prompt {i:02d}" for i in rows),
        left=np.zeros(80, dtype=np.int64),
        right=np.ones(80, dtype=np.int64),
        outcome=1 - first_wins,
        voter=rows // 40,
        prompt=rows,
        counts=counts,
    )
    found = design_effect(votes)
    assert found.ratio == pytest.approx(19.5, rel=0.01)
    assert found.prompt_sd is None
    # What the voters add, 1 - 0.0513, comes from 2 x 40 x 39 of 6,400 ordered pairs of votes.
    assert found.voter_sd == pytest.approx(np.sqrt((1 - 0.0513) * 6400 / 3120), rel=0.01)


@pytest.mark.parametrize(("voters", "prompts"), [(0.0, 0.0), (0.7, 0.0), (0.0, 0.7), (0.6, 0.4)])
def test_design_effect_finds_the_tastes_put_in(voters: float, prompts: float) -> None:
    """Averaged over boards: sd of a gap is sqrt 2 times a system's, shrunk as the long run shrinks gaps."""
    truth = np.zeros(8)
    shrunk = long_run([0.05, -0.05], voter_spread=voters, prompt_spread=prompts)
    expected = np.sqrt(2) * np.array([voters, prompts]) * (shrunk[0] - shrunk[1]) / 0.1
    found = [
        design_effect(simulate(truth, votes=6_000, seed=seed, voter_spread=voters, prompt_spread=prompts))
        for seed in range(12)
    ]
    variance = np.mean([[each.voter_sd**2, each.prompt_sd**2] for each in found], axis=0)
    np.testing.assert_allclose(variance, expected**2, atol=0.035, rtol=0.12)
    if voters == prompts == 0.0:
        assert np.mean([each.ratio for each in found]) == pytest.approx(1.0, abs=0.07)


def test_design_effect_parts_against_explicit_sums_over_pairs_of_votes() -> None:
    votes = simulate(STRENGTHS[:3], votes=120, seed=4, voters=6, prompts=5, tie=0.0, voter_spread=0.8)
    fit = bradley_terry(votes, order_effect=True)
    gap = fit.strengths[votes.left] - fit.strengths[votes.right] + fit.order_effect
    reach = np.linalg.inv(fit.information)[:3] - np.linalg.inv(fit.information)[:3].mean(axis=0)
    z = np.array(
        [
            (reach[:, left] - reach[:, right] + reach[:, 3]) * ((outcome == 0) - 1 / (1 + np.exp(-each)))
            for left, right, outcome, each in zip(votes.left, votes.right, votes.outcome, gap, strict=True)
        ]
    )
    alone, cells = np.zeros((3, 3)), np.zeros((3, 3))
    for k in range(120):
        alone += np.outer(z[k], z[k])
        for other in range(120):
            if other != k and votes.voter[k] == votes.voter[other] and votes.prompt[k] == votes.prompt[other]:
                cells += np.outer(z[k], z[other])
    found = design_effect(votes)
    np.testing.assert_allclose(found.independent, alone * 120 / 117, rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(found.of_cells, cells * 120 / 117, rtol=1e-9, atol=1e-12)


def test_the_floor_is_passed_by_chance_one_time_in_twenty() -> None:
    found = [
        design_effect(simulate(STRENGTHS, votes=1_500, seed=seed, voters=60, prompts=40))
        for seed in range(150)
    ]
    passed = [each.voter_sd > each.voter_floor for each in found]
    passed += [each.prompt_sd > each.prompt_floor for each in found]
    assert 0.02 < np.mean(passed) < 0.09


def test_design_effect_agrees_with_the_boards_own_intervals(video_votes: Tally) -> None:
    """The board's covariance over its row sandwich is that ratio made cautious for few prompts."""
    fit = bradley_terry(video_votes)
    rows = covariance(fit, video_votes, IntervalMethod.ROW_SANDWICH).matrix
    jackknife = covariance(fit, video_votes).matrix
    found = design_effect(video_votes)
    assert 0.7 < found.ratio / (np.trace(jackknife) / np.trace(rows)) < 1.0
    assert found.ratio == pytest.approx(9.1, abs=0.05)
    assert found.voter_sd * ELO_PER_LOGIT == pytest.approx(199, abs=1)
    assert found.prompt_sd * ELO_PER_LOGIT == pytest.approx(142, abs=1)


def test_design_effect_does_not_mind_mirrored_sides_or_ties() -> None:
    votes = simulate(STRENGTHS, votes=3_000, seed=2, voter_spread=0.5, prompt_spread=0.5, tie=0.0)
    outcome = np.array([1, 0, 2, 3])[votes.outcome]
    counts = votes.counts[[1, 0, 2, 3]].transpose(0, 2, 1)
    mirrored = Tally(
        votes.systems,
        votes.voters,
        votes.prompts,
        votes.right,
        votes.left,
        outcome,
        votes.voter,
        votes.prompt,
        counts,
    )
    assert design_effect(mirrored).ratio == pytest.approx(design_effect(votes).ratio, rel=1e-9)
    tied = simulate(STRENGTHS, votes=3_000, seed=2, tie=2.0, both_bad=0.5)
    found = design_effect(tied)
    assert found.tie_share == pytest.approx((tied.outcome > 1).mean())
    assert found.decisive == (tied.outcome < 2).sum()


def test_a_measured_crowd_says_what_it_could_not_measure() -> None:
    votes = simulate(STRENGTHS, votes=2_000, seed=3, voters=1)
    crowd = Crowd.measured(design_effect(votes))
    assert (crowd.voter_sd, crowd.prompt_sd) == (ASSUMED.voter_sd, ASSUMED.prompt_sd)
    assert set(crowd.assumed) == {"voter_sd", "prompt_sd"}
    assert "These votes cannot tell how voters differ. Assumed:" in crowd.assumed["voter_sd"]
    few = simulate(STRENGTHS, votes=60, seed=3, voters=30, prompts=30, activity=0.0)
    assert Crowd.measured(design_effect(few)).voter_sd == ASSUMED.voter_sd
    crowd = Crowd.measured(design_effect(simulate(STRENGTHS, votes=2_000, seed=3)))
    assert crowd.assumed == {}
    asked = crowd.with_sds(None, 40.0)
    assert (asked.voter_sd, asked.prompt_sd) == (crowd.voter_sd, 40.0)
    assert asked.assumed == {"prompt_sd": "As asked: a gap differs by 40 Elo from prompt to prompt."}


def test_more_votes_come_true() -> None:
    """Grow the simulated study by the factor that was named: the interval is as narrow as wanted."""
    tastes = {"voter_spread": 0.5, "prompt_spread": 0.3, "activity": 0.0}
    votes = simulate(STRENGTHS, votes=3_000, seed=5, voters=100, prompts=100, **tastes)
    found, _ = estimate(votes)
    system = votes.systems[2]
    now = found.rating(system)
    ways = more_votes(found, design_effect(votes), votes, system, 0.6 * (now.high - now.value))
    both = next(way for way in ways if way.more == "voters and prompts")
    assert both.factor == pytest.approx(1 / 0.36, rel=1e-9)  # all parts shrink alike
    own = int((votes.left == 2).sum() + (votes.right == 2).sum())
    assert both.votes == int(np.ceil(own * (both.factor - 1)))
    size = round(100 * both.factor)
    grown = simulate(STRENGTHS, votes=round(3_000 * both.factor), seed=6, voters=size, prompts=size, **tastes)
    after = estimate(grown)[0].rating(system)
    assert (after.high - after.value) / (now.high - now.value) == pytest.approx(0.6, rel=0.15)


def test_votes_alone_cannot_replace_voters() -> None:
    votes = simulate(STRENGTHS, votes=6_000, seed=5, voters=40, prompts=200, voter_spread=1.0, activity=0.0)
    found, _ = estimate(votes)
    now = found.rating(votes.systems[0])
    half = 0.5 * (now.high - now.value)
    ways = {way.more: way for way in more_votes(found, design_effect(votes), votes, votes.systems[0], half)}
    assert ways["votes"].votes is None
    assert ways["voters"].factor > 3.9
    enough = more_votes(found, design_effect(votes), votes, votes.systems[0], 3 * half)
    assert {way.votes for way in enough} == {0}
    with pytest.raises(RatingError, match="positive number of Elo"):
        more_votes(found, design_effect(votes), votes, votes.systems[0], 0.0)
    with pytest.raises(UnknownNameError, match="nobody"):
        more_votes(found, design_effect(votes), votes, "nobody", 10.0)


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (lambda: Aim(0), "where there is none"),
        (lambda: Aim(float("nan")), "number of Elo points"),
        (lambda: Aim(10, power=1.0), "power must lie between"),
        (lambda: Aim(10, power=0.04), "only luck"),
        (lambda: Aim(10, margin_elo=0), "margin must be above 0"),
        (lambda: Aim(-30, margin_elo=20), "30 Elo worse is not within a margin of 20"),
        (lambda: Crowd(-1, 0), "voter_sd must be"),
        (lambda: Crowd(0, 0, tie_share=1.0), "share of ties"),
        (lambda: Crowd(0, 0, voter_evenness=0.0), "voter_evenness"),
        (lambda: plan(Aim(10), voters=[1]), "at least two voters; found 1"),
        (lambda: plan(Aim(10), systems=1), "at least two systems"),
        (lambda: design_effect(simulate([0, 0], votes=2, seed=1, tie=0)), "cannot be measured on 2 decisive"),
    ],
)
def test_impossible_questions_get_a_sentence(asked: object, sentence: str) -> None:
    with pytest.raises(RatingError, match=sentence):
        asked()
