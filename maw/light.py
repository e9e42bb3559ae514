"""`Any` and `NamedTuple` without `typing`, whose import and whose named tuples cost a hook 5 of its milliseconds.

Type checkers see the real ones. Standard library only (hook path).
"""

from __future__ import annotations

__all__ = ["TYPE_CHECKING", "Any", "NamedTuple"]
TYPE_CHECKING = False  # as type checkers know it by name

if TYPE_CHECKING:
    from typing import Any, NamedTuple
else:
    from collections import namedtuple

    Any = object

    class _Maker(type):
        """Makes of a class body what typing.NamedTuple would; it leaves only the check of the annotations away."""

        def __new__(cls, name, bases, body):
            if not bases:
                return super().__new__(cls, name, bases, body)
            fields = body.get("__annotations__", {})
            defaults = [body[field] for field in fields if field in body]
            made = namedtuple(name, fields, defaults=defaults, module=body["__module__"])
            for key, value in body.items():
                if key not in fields and key != "__qualname__":
                    setattr(made, key, value)
            return made

    class NamedTuple(metaclass=_Maker):
        """The base of named tuples with typed fields."""
