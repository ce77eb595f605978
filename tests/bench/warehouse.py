"""The domain once more, as plain tuples and dicts: what the programs of the others decide with."""

from attrs import define

PRODUCTS, STOCK = 100, 20
NO_DATA = -1  # what a program without models has accepted and seen

Shown = tuple[int, int]  # quantity, version
Change = tuple[int, int, int]  # product, quantity, version


@define
class Tally:
    """What a program adds up to show that it has played the same as the others.

    `waited`: seconds of all commands in the channel. `seen`: what all looks
    were shown, in items. A program without models says NO_DATA.
    """

    commands: int = 0
    waited: float = 0.0
    accepted: int = 0
    seen: int = 0


def stocked() -> dict[int, Shown]:
    """Fill a model with what is there at the start."""
    return dict.fromkeys(range(1, PRODUCTS + 1), (STOCK, 0))


def decide(model: dict[int, Shown], add: int, product: int, quantity: int) -> Change | None:
    """Do what is commanded, unless there is not enough."""
    there, version = model[product]
    there += quantity if add else -quantity
    if there < 0:
        return None
    model[product] = there, version + 1
    return product, there, version + 1


def apply_newest(model: dict[int, Shown], change: Change) -> None:
    """Show a change, unless a newer one of its product is shown."""
    product, quantity, version = change
    if version > model[product][1]:
        model[product] = quantity, version
