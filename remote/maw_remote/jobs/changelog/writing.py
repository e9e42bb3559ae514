"""A change log on its way: an entry for each commit, many at once, and then those that tell the same as one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from maw.generate.history import sections
from maw.generate.history.sections import NONE, SECTIONS
from maw_remote.engine.interface import Engine
from maw_remote.engine.program import max_tokens
from maw_remote.jobs import digest
from maw_remote.jobs.asking import Asking
from maw_remote.jobs.changelog import prompting, shape
from maw_remote.jobs.changelog.payload import Commit, Payload
from maw_remote.jobs.interface import BadInput, Emit, Json
from maw_remote.jobs.review.units import shown

ROOM_MIN = 96  # tokens; with fewer, no commit can be shown
ALIKE = 0.34  # of all the words of two entries, how many both must have to be worth a question
COMPARED = 6  # entries that one is compared with
_TEMPLATE_TOKENS = 100
_WORD = re.compile(r"\w{3,}")


@dataclass
class Entry:
    """What users notice of some commits, oldest first."""

    section: str
    text: str
    commits: list[Commit] = field(default_factory=list)

    def to_json(self) -> Json:
        breaking = any(sections.is_breaking(commit.message) for commit in self.commits)
        ids = [commit.id for commit in self.commits]
        return {"section": self.section, "text": self.text, "commits": ids, "breaking": breaking}


class Writing:
    """Raises BadInput and EngineError where it cannot be done at all."""

    def __init__(self, payload: Payload, model: str, unit_tokens: int, engine: Engine, emit: Emit) -> None:
        self._asked, self._unit_tokens, self._emit = payload, unit_tokens, emit
        self._model = payload.model or model
        self._asking = Asking(engine, self._model, emit)

    async def run(self) -> Json:
        await self._asking.begin()
        told = {id(commit): sections.said(commit.message) for commit in self._asked.commits}
        asked = [commit for commit in self._asked.commits if told[id(commit)] != NONE]
        entries = await self._entries(asked, told)
        kept = await self._joined([entries[id(commit)] for commit in asked if id(commit) in entries])
        left = [commit for commit in self._asked.commits if id(commit) not in entries]
        return {
            "v": 1,
            "entries": [entry.to_json() for name in SECTIONS for entry in kept if entry.section == name],
            "left_out": [{"id": commit.id, "reason": _why(told[id(commit)])} for commit in left],
            "model": self._model,
            "stats": self._asking.stats(),
        }

    async def _entries(self, commits: Sequence[Commit], told: dict[int, str | None]) -> dict[int, Entry]:
        """By commit; of those that the model takes for nothing that users notice there is none."""
        await self._emit("plan", {"units": len(commits), "skipped": []})
        budget = await self._budget()
        found: dict[int, Entry] = {}
        done = 0

        async def write(commit: Commit) -> None:
            nonlocal done
            section = told[id(commit)]
            patch = await self._start_of(commit, budget)
            said = await self._asking.ask(prompting.commit(self._asked, commit, patch), shape.entry(section))
            section = section or (said["section"].value if "section" in said else "Changed")
            if section != NONE:
                text = shape.tidied(said["entry"].value if "entry" in said else "")
                found[id(commit)] = Entry(section, text or sections.without_type(commit.subject), [commit])
            done += 1
            told_ = {"unit": commit.id, "path": commit.id[:10], "state": "done", "done": done, "total": len(commits)}
            await self._emit("unit", told_)

        await digest.each(commits, write, self._asking)
        return found

    async def _budget(self) -> int:
        """Tokens for what is shown of one commit."""
        frame = "".join(message.text for message in prompting.beginning(self._asked)) + prompting.load("commit")
        (cost,) = await self._asking.count([frame])
        room = await self._asking.context() - cost - _TEMPLATE_TOKENS - max_tokens(shape.entry(None))
        if room < ROOM_MIN:
            raise BadInput("instructions and style leave no room for a commit; raise runner.context on the node")
        return min(room, self._unit_tokens)

    async def _start_of(self, commit: Commit, budget: int) -> list[str]:
        """As much of the patch as fits beside the message."""
        head = "".join(message.text for message in prompting.commit(self._asked, commit, ())[1:])
        lines = [shown(line.encode("utf-8", "replace")) for line in commit.patch.split("\n") if line.strip()]
        (room,), kept = await self._asking.count([head]), []
        room = budget - room
        for line, cost in zip(lines, await self._asking.count(lines), strict=True):
            room -= cost + 1
            if room < 0:
                break
            kept.append(line)
        return kept

    async def _joined(self, entries: Sequence[Entry]) -> list[Entry]:
        """Those that tell the same as one: an earlier one takes the later one's commits. The model is asked about
        those that share words only."""
        kept: list[Entry] = []
        for entry in entries:
            others = [other for other in kept if other.section == entry.section and alike(entry.text, other.text)]
            found = await self._same(entry, others[-COMPARED:])
            if found is None:
                kept.append(entry)
            else:
                found.commits += entry.commits
        return kept

    async def _same(self, entry: Entry, others: Sequence[Entry]) -> Entry | None:
        exact = next((other for other in others if other.text.casefold() == entry.text.casefold()), None)
        if exact is not None or not others:
            return exact
        messages = prompting.same(self._asked, entry.text, [other.text for other in others])
        said = await self._asking.ask(messages, shape.same(len(others)))
        number = said["same"].value if "same" in said else NONE
        return None if number == NONE else others[int(number) - 1]


def alike(one: str, other: str) -> bool:
    """Whether two entries share so many words that they may tell the same."""
    words, more = ({word.lower() for word in _WORD.findall(text)} for text in (one, other))
    return bool(words) and len(words & more) >= ALIKE * len(words | more)


def _why(told: str | None) -> str:
    return "its type says so" if told == NONE else "users notice nothing of it"
