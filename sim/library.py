"""The scenarios that come along, found by name; any other by its path."""

from collections.abc import Mapping
from pathlib import Path

from attrs import frozen

from sim.scenario import Scenario
from sim.wording import did_you_mean

_PACKAGE = Path(__file__).parent
_FOLDERS = (_PACKAGE / "scenarios", _PACKAGE.parent / "scenarios")  # installed; in a checkout


@frozen
class NoSuchScenario(LookupError):
    """Neither a scenario that comes along nor a readable file; str() says what there is."""

    name: str
    why: str

    def __str__(self) -> str:
        known = names()
        return f"{self.why}: {self.name}{did_you_mean(self.name, known)}\n  there is {', '.join(known)}"


def names() -> list[str]:
    """Name the scenarios that come along, in alphabetical order."""
    return sorted(path.stem for folder in _FOLDERS for path in folder.glob("*.toml"))


def find(name: str) -> Path:
    """Find a scenario's file by its name or its path; NoSuchScenario says what there is instead."""
    path = Path(name)
    if path.suffix == ".toml" or len(path.parts) > 1:
        return _readable(path)
    for folder in _FOLDERS:
        if (folder / f"{name}.toml").is_file():
            return folder / f"{name}.toml"
    raise NoSuchScenario(name, "this is a directory, not a scenario" if path.is_dir() else "no such scenario")


def load_scenario(name: str | Path | Scenario, settings: Mapping[str, str] | None = None) -> Scenario:
    """Get a scenario by its name or path, with some keys set otherwise: {"link.delay": "50ms"}.

    A Scenario is given back as it is. NoSuchScenario and BadScenario say what
    is wrong.
    """
    if isinstance(name, Scenario):
        if settings:
            raise TypeError("settings change a scenario that is read by its name or path")
        return name
    from sim.scenario_file import read_scenario  # with much to import, of which no process of a pool has need

    return read_scenario(find(str(name)), settings)


def _readable(path: Path) -> Path:
    """Insist that a path leads to a file that can be read."""
    if path.is_dir():
        raise NoSuchScenario(str(path), "this is a directory, not a scenario file")
    try:
        path.open("rb").close()
    except OSError as error:
        why = "no such file" if isinstance(error, FileNotFoundError) else error.strerror or "cannot be read"
        raise NoSuchScenario(str(path), why.lower()) from None
    return path
