"""The rows of the screen: the nodes, and below each the models it has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from maw import api
from maw.watch.board import Picture
from maw.watch.gauges import Gauges

_HERE = ("loading", "loaded", "broken")


class Item(NamedTuple):
    """A node, or with `model` one of its models; `held` is what the ledger says of that, `seconds` for how long it has
    been seen to load."""

    picture: Picture
    gauges: Gauges | None
    model: api.Model | None = None
    held: api.Held | None = None
    seconds: float = 0.0

    @property
    def node(self) -> str:
        return self.picture.node

    @property
    def key(self) -> str:
        return key(self.node, self.model.name if self.model else "")

    @property
    def waits(self) -> bool:
        """The model is asked for, and there is no memory for it yet."""
        ledger = self.gauges.ledger if self.gauges else None
        return bool(self.model and self.held is None and ledger and ledger.waiting.get(self.model.name))


def key(node: str, model: str) -> str:
    return f"{node}/{model}"


def items(
    pictures: Iterable[Picture], gauges: Mapping[str, Gauges], loading: Mapping[str, float], *, everything: bool
) -> list[Item]:
    """Each node with its models: those that are loaded or could not be first, then those that are installed, and with
    `everything` those that could be had. `loading`: seconds since those began that are being loaded."""
    found: list[Item] = []
    for picture in pictures:
        known = gauges.get(picture.node)
        found.append(Item(picture, known))
        if known is not None:
            held = {one.model: one for one in known.ledger.models} if known.ledger else {}
            models = [model for model in known.status.models if everything or model.state != "available"]
            found += [
                Item(picture, known, model, held.get(model.name), loading.get(key(picture.node, model.name), 0.0))
                for model in sorted(models, key=_order)
            ]
    return found


def _order(model: api.Model) -> tuple[int, str]:
    return (0 if model.state in _HERE else 1 if model.state == "installed" else 2, model.name)
