"""Which of the two slots of a pool works, and which one has to.

A pool of workers is two programs of supervisor, of which a link names the one that lives: celery-slot lets no other
one start at boot. What is new is loaded by the idle one, while the other one works on. Beat is one program, since two
of them would send everything twice.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from ansible.module_utils.roost_app.paths import SLOTS
from ansible.module_utils.roost_app.releases import target_name
from ansible.module_utils.roost_celery.errors import ProgramsError
from ansible.module_utils.roost_celery.loaded import has_begun, has_loaded, is_outdated
from ansible.module_utils.roost_celery.supervisor import FAILING, STARTED, UNKNOWN, Process


@dataclass(frozen=True)
class Declared:
    """A declared program: a pool, which has two slots, or beat."""

    app: str
    name: str
    slots: bool
    host: Path = Path("/")

    @property
    def link(self) -> Path:
        """The link that names the live slot."""
        return self.host / "srv" / self.app / "workers" / self.name

    @property
    def live(self) -> str:
        """The slot that is linked, "" before the first start."""
        slot = target_name(self.link)
        return slot if slot in SLOTS else ""

    @property
    def programs(self) -> list[str]:
        """The programs of supervisor, the live one first."""
        others = [slot for slot in SLOTS if slot != self.live]
        return [self.program(slot) for slot in [self.live, *others] if slot] if self.slots else [self.name]

    def program(self, slot: str) -> str:
        return f"{self.name}-{slot}"

    def lives(self, program: str) -> bool:
        """Tell whether the program may become one of Celery when it is started."""
        return not self.slots or self.slot_of(program) == self.live

    def slot_of(self, program: str) -> str:
        """Return the slot of one of its programs, "" for beat's and for one of before there were slots."""
        return program[len(self.name) + 1 :]


@dataclass(frozen=True)
class Seen:
    """What supervisor says of all programs; `unread` are those whose present configuration it has not read."""

    processes: Mapping[str, Process]
    unread: Collection[str]

    def process(self, program: str) -> Process:
        return self.processes.get(program, UNKNOWN)

    def knows(self, program: str) -> bool:
        return program in self.processes or program in self.unread

    def is_started(self, program: str) -> bool:
        return self.process(program).state in STARTED

    def is_fresh(self, declared: Declared, program: str) -> bool:
        """Tell whether it was started with the present release, environment and configuration."""
        if not self.is_started(program) or program in self.unread:
            return False
        process = (declared.app, program, self.process(program).pid, declared.host)
        # One that celery-slot keeps idle will never tell what it has loaded.
        return (declared.lives(program) or has_begun(*process)) and not is_outdated(*process)

    def works(self, declared: Declared, program: str) -> bool:
        """Tell whether it has loaded its application, whichever."""
        return self.is_started(program) and has_loaded(declared.app, program, self.process(program).pid, declared.host)

    def must_leave(self, declared: Declared, program: str) -> bool:
        """Tell whether it works, or would: not if celery-slot keeps it idle, or if it is leaving already."""
        process = self.process(program)
        return process.state == FAILING or (
            process.state in STARTED and has_begun(declared.app, program, process.pid, declared.host)
        )


@dataclass(frozen=True)
class Step:
    """What a declared program needs: the program of supervisor that shall work, perhaps started for that first.

    `leaving` are those that finish what they have begun once it works, `idle` those that only get to know their
    present configuration.
    """

    declared: Declared
    program: str
    starts: bool
    leaving: tuple[str, ...] = ()
    idle: tuple[str, ...] = ()
    is_read: bool = True

    @property
    def moves(self) -> bool:
        """Tell whether another slot is to live."""
        return not self.declared.lives(self.program)

    @property
    def is_empty(self) -> bool:
        return not (self.starts or self.moves or self.leaving)


def plan_step(declared: Declared, seen: Seen) -> Step:
    """Decide it by what runs now, so that whatever a killed run has left is put right.

    Raises ProgramsError if it is not configured.
    """
    if missing := [program for program in declared.programs if not seen.knows(program)]:
        raise ProgramsError(f"supervisor knows no program {missing[0]}: run site.yml, which configures it")
    fresh = next((program for program in declared.programs if seen.is_fresh(declared, program)), "")
    program = fresh or _idle_of(declared, seen)
    others = [other for other in declared.programs if other != program]
    before_slots = [declared.name] if declared.slots else []
    return Step(
        declared,
        program,
        starts=not fresh,
        leaving=tuple(other for other in [*others, *before_slots] if seen.must_leave(declared, other)),
        idle=tuple(other for other in others if other in seen.unread),
        is_read=program not in seen.unread,
    )


def _idle_of(declared: Declared, seen: Seen) -> str:
    """Return the program to be started: that beside the live one, if that one works."""
    live, *others = declared.programs
    return others[0] if others and seen.works(declared, live) else live
