"""The styles of the UI, parsed once. Textual's own parse everything anew when a screen brings some of its own, when a
mode is entered and when the theme is set: several times until the first picture."""

from __future__ import annotations

from textual.css.stylesheet import Stylesheet


class Styles(Stylesheet):
    """What was parsed with these variables is not again."""

    def __init__(self, *, variables: dict[str, str]) -> None:
        super().__init__(variables=variables)
        self._known = dict(variables)

    def set_variables(self, variables: dict[str, str]) -> None:
        if variables != self._known:
            self._known = dict(variables)
            super().set_variables(variables)

    def reparse(self) -> None:
        self.parse()
