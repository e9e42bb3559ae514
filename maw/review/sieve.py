"""A diff on its way from git: what is too large to be reviewed is let go while it comes. Standard library only."""

from __future__ import annotations

_MARK = b"\ndiff --git "  # where a section begins: no line of a hunk starts like that
_HEAD_MAX = 64 * 1024  # bytes of a section that is let go, kept for its names


class Sieve:
    """Keeps the sections (a file's part, with its header) of at most `section_max` bytes, up to `kept_max` in all;
    of the others their heads and sizes. Its memory does not depend on how much comes."""

    def __init__(self, section_max: int, kept_max: int) -> None:
        self.kept = bytearray()
        self.heads: list[bytes] = []  # of all that is kept
        self.large: list[tuple[bytes, int]] = []
        self.full = False  # `kept_max` was reached, and something had no room
        self._section_max = section_max
        self._kept_max = kept_max
        self._open = bytearray()  # the section that is coming, and how large it is by now
        self._size = 0
        self._carry = b"\n"  # the last bytes, which may begin a mark; a diff begins with one

    def take(self, part: bytes) -> bool:
        """The next bytes; False when no more need to come."""
        data = self._carry + part
        start = 0
        while (at := data.find(_MARK, start)) >= 0:
            self._add(data[start : at + 1])
            self._close()
            start = at + 1
        keep = min(len(_MARK) - 1, len(data) - start)
        self._add(data[start : len(data) - keep])
        self._carry = data[len(data) - keep :]
        return not self.full

    def end(self) -> None:
        """Nothing more comes, and nothing was cut."""
        self._add(self._carry)
        self._close()

    def _add(self, part: bytes) -> None:
        self._size += len(part)
        room = max(self._section_max, _HEAD_MAX) - len(self._open)
        self._open += part[: max(room, 0)]

    def _close(self) -> None:
        section, size = self._open, self._size
        self._open, self._size = bytearray(), 0
        head = bytes(section.partition(b"\n@@ ")[0][:_HEAD_MAX])
        if size > self._section_max:
            self.large.append((head, size))
        elif self.full or len(self.kept) + size > self._kept_max:
            self.full = True
        elif head.strip():
            self.kept += section
            self.heads.append(head)
