"""Which jobs a study's settings want, and which of them are still to be done: read a stretch at a time.

A study may want a hundred thousand clips. Nothing here holds more of them than one stretch of one system.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice

from evalharness.records import JobKey, JobState, Prompt, System
from evalharness.store import Store

__all__ = ["Wanted", "plan"]

STRETCH = 500


def plan(systems: Iterable[System], prompts: Iterable[Prompt], seeds: Iterable[int]) -> Iterator[JobKey]:
    """Every (system, prompt, seed) of a study.

    Prompts go round fastest across systems, so that an unfinished run already holds whole battles.
    """
    wanted_systems, wanted_prompts = tuple(systems), tuple(prompts)
    return (
        JobKey(system.name, prompt.id, seed)
        for seed in seeds
        for prompt in wanted_prompts
        for system in wanted_systems
    )


class Wanted:
    """The jobs of a study as its settings stand."""

    def __init__(
        self, store: Store, systems: Sequence[System], prompts: Sequence[Prompt], seeds: Sequence[int]
    ) -> None:
        self._store = store
        self._systems = systems
        self._prompts = prompts
        self._seeds = seeds
        # Three small sets tell whether a job is wanted; one of all jobs would grow with their product.
        self._parts = (
            frozenset(system.name for system in systems),
            frozenset(prompt.id for prompt in prompts),
            frozenset(seeds),
        )

    def __len__(self) -> int:
        return len(self._systems) * len(self._prompts) * len(self._seeds)

    def __contains__(self, key: JobKey) -> bool:
        systems, prompts, seeds = self._parts
        return key.system in systems and key.prompt_id in prompts and key.seed in seeds

    def add(self) -> None:
        """Put those on record that are not yet."""
        keys = plan(self._systems, self._prompts, self._seeds)
        while stretch := tuple(islice(keys, STRETCH)):
            self._store.add_jobs(stretch)

    def count(self, system: System) -> Counter[JobState]:
        """How many of a system's are in which state."""
        found = (state for _, states in self._stretches(system) for state in states.values())
        return Counter(state for state in found if state is not None)

    def standing(self, system: System, states: Collection[JobState]) -> Iterator[JobKey]:
        """Those of a system that are in one of `states` when their stretch is read, in the plan's order."""
        for seed, found in self._stretches(system):
            for prompt_id, state in found.items():
                if state in states:
                    yield JobKey(system.name, prompt_id, seed)

    def missing(self, system: System, states: Collection[JobState]) -> Iterator[JobKey]:
        """Those of a system that are in one of `states` or not on record yet, in the plan's order."""
        for seed, found in self._stretches(system, absent=True):
            for prompt_id, state in found.items():
                if state is None or state in states:
                    yield JobKey(system.name, prompt_id, seed)

    def lacks(self, key: JobKey, states: Collection[JobState]) -> bool:
        """Whether `missing` would name this job."""
        if key not in self:
            return False
        state = self._store.job_states(key.system, key.seed, [key.prompt_id]).get(key.prompt_id)
        return state is None or state in states

    def _stretches(
        self, system: System, *, absent: bool = False
    ) -> Iterator[tuple[int, Mapping[str, JobState | None]]]:
        for seed in self._seeds:
            ids = (prompt.id for prompt in self._prompts)
            while stretch := tuple(islice(ids, STRETCH)):
                states = self._store.job_states(system.name, seed, stretch)
                yield seed, {each: states.get(each) for each in stretch if absent or each in states}
