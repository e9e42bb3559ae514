"""The rows of the screen: the nodes, and below each the models it has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from maw import api
from maw.watch.board import Picture
from maw.watch.gauges import Gauges

_HERE = ("loading", "loaded", "broken")


class Item(NamedTuple):
    """A node, or with `model` one of its models; `held` is what the ledger says of that."""

    picture: Picture
    gauges: Gauges | None
    model: api.Model | None = None
    held: api.Held | None = None

    @property
    def node(self) -> str:
        return self.picture.node

    @property
    def key(self) -> str:
        return f"{self.node}/{self.model.name if self.model else ''}"


def items(pictures: Iterable[Picture], gauges: Mapping[str, Gauges], *, everything: bool) -> list[Item]:
    """Each node with its models: those that are loaded or could not be first, then those that are installed, and with
    `everything` those that could be had."""
    found: list[Item] = []
    for picture in pictures:
        known = gauges.get(picture.node)
        found.append(Item(picture, known))
        if known is not None:
            held = {one.model: one for one in known.ledger.models} if known.ledger else {}
            models = [model for model in known.status.models if everything or model.state != "available"]
            found += [Item(picture, known, model, held.get(model.name)) for model in sorted(models, key=_order)]
    return found


def _order(model: api.Model) -> tuple[int, str]:
    return (0 if model.state in _HERE else 1 if model.state == "installed" else 2, model.name)
