"""`evalharness voters`: who is paid, whose votes count, and whether voters agree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from evalharness.cli.auditing import audit_entry
from evalharness.cli.options import AsJson, StudyFolder, out, print_json, store_of
from evalharness.config import Study, load_study
from evalharness.errors import ConfigError, RatingError
from evalharness.people import BY_VOTER, is_reserved
from evalharness.records import Ballot, Decision, Ruling

if TYPE_CHECKING:
    from evalharness.quality import Agreement, Conducts, Verdict
    from evalharness.store import Store

__all__ = ["voters"]

WIDE = 100
"""Columns of a terminal from which reasons stand in the table, not below it."""

BY_HAND = {
    "accept": Decision.ACCEPTED,
    "return": Decision.RETURNED,
    "use": Decision.USED,
    "exclude": Decision.EXCLUDED,
}


def voters(
    folder: StudyFolder = Path(),
    apply: Annotated[bool, typer.Option("--apply", help="Put what the rules say on record.")] = False,
    accept: Annotated[list[str] | None, typer.Option(help="Pay this voter.", metavar="VOTER")] = None,
    give_back: Annotated[
        list[str] | None, typer.Option("--return", help="Do not pay this voter.", metavar="VOTER")
    ] = None,
    use: Annotated[list[str] | None, typer.Option(help="Count this voter's votes.", metavar="VOTER")] = None,
    exclude: Annotated[
        list[str] | None, typer.Option(help="Do not count this voter's votes.", metavar="VOTER")
    ] = None,
    erase: Annotated[
        list[str] | None,
        typer.Option(help="Take away all that leads from a person to this voter.", metavar="VOTER"),
    ] = None,
    forget_paid: Annotated[
        bool,
        typer.Option("--forget-paid", help="Take away what platforms call those whose pay is on record."),
    ] = False,
    because: Annotated[str, typer.Option(help="Why, where you decide yourself.")] = "",
    by: Annotated[str, typer.Option(help="Who decides: your name, kept with what you do.")] = "",
    as_json: AsJson = False,
) -> None:
    """Hold every voter against the study's rules: whom to pay, whose votes to count, and how far they agree.

    Nothing changes without --apply, or a decision of your own, which no rule overrules. Who is erased keeps
    their answers under an id of nobody; with --exclude they count no more.
    """
    study = load_study(folder)
    chosen = {"accept": accept, "return": give_back, "use": use, "exclude": exclude}
    with store_of(study) as store:
        _decide(store, {BY_HAND[verb]: named for verb, named in chosen.items() if named}, because, by)
        forgotten = _forget(store, erase or [], forget_paid=forget_paid, by=by)
        if forgotten and not as_json:
            out.print(forgotten)
        _show(study, store, apply=apply, by=by, as_json=as_json)


def _decide(store: Store, chosen: dict[Decision, list[str]], because: str, by: str) -> None:
    """Put a person's decisions on record."""
    if not chosen:
        return
    if not because.strip() or not by.strip():
        raise ConfigError(
            "A decision on a voter is kept with its reason and its author: say both, with --because and --by."
        )
    if is_reserved(by.strip()):
        raise ConfigError(
            f"'{by.strip()}' stands for a rule, or for the voter, who decided: say your own name with --by."
        )
    known = {battle.voter_id for battle in store.battles()}
    for voter_id in (name for named in chosen.values() for name in named):
        if voter_id not in known:
            raise ConfigError(
                f"No voter '{voter_id}' was shown anything in this study; 'evalharness voters' lists them."
            )
    withdrew = {ruling.voter_id for ruling in store.rulings() if ruling.author == BY_VOTER}
    if wrong := withdrew.intersection(chosen.get(Decision.USED, ())):
        raise ConfigError(
            f"The voter '{min(wrong)}' withdrew, so their votes stay out of all results; "
            "take them out of --use."
        )
    for decision, named in chosen.items():
        for voter_id in named:
            noted = audit_entry(by, "decided", voter=voter_id, decision=decision.value)
            store.rule(
                Ruling(voter_id, decision, because.strip(), by.strip(), datetime.now(UTC)), noted=noted
            )


def _forget(store: Store, erase: list[str], *, forget_paid: bool, by: str) -> str:
    """Take away what leads to people, and say of how many; "" where nobody was asked for."""
    from evalharness.quality import newest

    said = []
    for voter_id in erase:
        noted = audit_entry(by, "erased a person", voter=voter_id)
        store.erase_voter(voter_id, datetime.now(UTC), noted=noted)
        said.append(f"{voter_id} is erased.")
    if forget_paid:
        rulings = store.rulings()
        decided = {each.voter_id for each in rulings if newest(rulings, each.voter_id, "pay")}
        noted = audit_entry(by, "took platforms' names away", voters=len(decided))
        gone = store.forget_people(decided, noted=noted)
        said.append(f"What platforms call people was taken away of {gone} voters.")
    return " ".join(said)


def _show(study: Study, store: Store, *, apply: bool, by: str, as_json: bool) -> None:
    # scipy, numpy: not at the command line's start
    from evalharness.battles import Pool
    from evalharness.quality import agreement, conducts, overall_ballots, rulings_due, verdict

    battles, votes = store.battles(), store.votes()
    labels = {system.name: system.label for system in study.systems}
    exhibits = store.exhibits()
    found = conducts(battles, votes, faults=store.faults(), exhibits=exhibits, labels=labels)
    verdicts = [verdict(each, study.settings.quality) for each in found.voters]
    length = Pool(store.prompts(), exhibits).session(study.settings.arena.votes_per_voter)
    due = rulings_due(
        verdicts, store.rulings(), datetime.now(UTC), length=length, settings=study.settings.quality
    )
    if apply:
        store.rule(*due, noted=audit_entry(by, "applied the rules", decisions=len(due)))
    agreed = [agreement(battles, votes, question) for question in study.settings.arena.questions]
    rulings = store.rulings()
    ballots = overall_ballots({each.id: each for each in battles}, votes)
    without = _sensitivity(found, rulings, ballots, labels)
    if as_json:
        print_json(
            {
                "voters": [_as_json(each, rulings) for each in verdicts],
                "agreement": [asdict(each) for each in agreed],
                "without_excluded": without,
                "rulings_due": 0 if apply else len(due),
                "rings": [asdict(ring) for ring in found.rings],
                "notes": list(found.notes),
            }
        )
        return
    out.print(_table(verdicts, rulings))
    for each in verdicts if out.width < WIDE else ():
        if why := _why(each):
            out.print(f"{each.conduct.voter_id}  {escape(why)}", soft_wrap=True)
    for ring in found.rings:
        out.print(escape(ring.sentence), style="yellow", soft_wrap=True)
    for note in found.notes:
        out.print(escape(note), style="dim", soft_wrap=True)
    for one in agreed:
        out.print(escape(_sentence(one)), style="yellow" if one.is_doubtful else "", soft_wrap=True)
    if without:
        out.print(escape(without), soft_wrap=True)
    if apply:
        out.print(f"{len(due)} decisions put on record.")
    elif due:
        out.print(f"{len(due)} decisions of the rules are not on record yet: --apply puts them there.")


def _table(verdicts: list[Verdict], rulings: tuple[Ruling, ...]) -> Table:
    table = Table(title="Voters: what they did, and what is decided")
    table.add_column("voter", no_wrap=True)  # whole, to be named in a decision
    wide = out.width >= WIDE
    for column in ("pairs", "traps", "golds", "repeats", *(["faults"] if wide else []), "s"):
        table.add_column(column, justify="right")
    for column in ("pay", "count"):
        table.add_column(column, min_width=len(Decision.ACCEPTED))
    if wide:
        table.add_column("why", overflow="fold")
    for each in verdicts:
        did = each.conduct
        table.add_row(
            did.voter_id,
            str(did.comparisons),
            str(did.traps),
            str(did.golds),
            str(did.repeats),
            *([str(did.faults.hits)] if wide else []),
            "?" if did.median_answer_s is None else f"{did.median_answer_s:.1f}",
            *(_decided(each, rulings, matter) for matter in ("pay", "count")),
            *([escape(_why(each))] if wide else []),
        )
    return table


def _why(verdict: Verdict) -> str:
    return "; ".join(dict.fromkeys(why for whys in verdict.against.values() for why in whys))


def _decided(verdict: Verdict, rulings: tuple[Ruling, ...], matter: Any) -> str:
    """What holds, and in brackets what the rules say and is not on record. Votes count without a record."""
    from evalharness.quality import newest

    holds, said = newest(rulings, verdict.conduct.voter_id, matter), verdict.decision(matter)
    if holds is None:
        return str(said) if said is Decision.USED else f"({said})"
    if holds.decision is said:
        return str(said)
    return escape(f"{holds.decision} by {holds.author} ({said})")


def _sentence(agreed: Agreement) -> str:
    if agreed.alpha is None:
        return f"Agreement on {agreed.question}: {agreed.reason}"
    said = (
        f"Agreement on {agreed.question}: alpha {agreed.alpha:.2f} ({agreed.low:.2f} to {agreed.high:.2f}), "
        f"{agreed.votes} votes on {agreed.pairs} pairs that several voters judged."
    )
    return f"{said} A pilot should change this question." if agreed.is_doubtful else said


def _sensitivity(
    found: Conducts, rulings: tuple[Ruling, ...], ballots: list[Ballot], labels: Mapping[str, str]
) -> str:
    """What the votes of everybody who is excluded would change; empty where nobody is."""
    from evalharness.quality import newest
    from evalharness.ratings.tally import tally
    from evalharness.ratings.without_voters import board_without

    held = {
        each.voter_id: newest(rulings, each.voter_id, "count") for each in found.voters if each.comparisons
    }
    excluded = [name for name, ruling in held.items() if ruling and ruling.decision is Decision.EXCLUDED]
    if not excluded:
        return ""
    try:
        return board_without(tally(ballots, labels=labels), excluded).sentence
    except RatingError as error:
        return f"What the excluded voters change cannot be said. {error}"


def _as_json(verdict: Verdict, rulings: tuple[Ruling, ...]) -> dict[str, Any]:
    from evalharness.quality import newest

    did = verdict.conduct
    held = {matter: newest(rulings, did.voter_id, matter) for matter in ("pay", "count")}
    return {
        "voter": did.voter_id,
        "comparisons": did.comparisons,
        "traps": asdict(did.traps),
        "golds": asdict(did.golds),
        "repeats": asdict(did.repeats),
        "faults": asdict(did.faults),
        "last_at": did.last_at.isoformat(),
        "median_answer_s": did.median_answer_s,
        "habits": [each.sentence for each in did.habits],
        "log_e_value": None if did.suspect is None else did.suspect.evidence,
        "rules": {
            matter: {"decision": verdict.decision(matter), "against": list(against)}
            for matter, against in verdict.against.items()
        },
        "on_record": {
            matter: None if holds is None else asdict(holds) | {"created_at": holds.created_at.isoformat()}
            for matter, holds in held.items()
        },
    }
