import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import sim

PACKAGE = Path(sim.__file__).parent
ROOMS = {
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts): path
    for path in PACKAGE.rglob("*.py")
    if path.stem != "__init__"
}
PACKAGES = {name.rpartition(".")[0] for name in ROOMS if "." in name}

READING_ORDER = [
    "wording",
    "durations",
    "observations",
    "distributions",
    "families",
    "pieces",
    "groups",
    "inventory",
    "glossary",
    "scenario",
    "scenario_file",
    "library",
    "knob",
    "grid",
    "channels",
    "clock",
    "crashes",
    "plan",
    "columns",
    "frames",
    "tables",
    "trace",
    "log",
    "worker",
    "writer",
    "door",
    "link",
    "reader",
    "stage",
    "memory",
    "arrays",
    "engines",
    "measures.samples",
    "measures.blame",
    "measures.evidence",
    "measures.visibility",
    "measures.window",
    "metrics",
    "fit",
    "expectations",
    "steady",
    "replay.timeline",
    "replay.backlog",
    "replay.messages",
    "theory.laws",
    "theory.formulas",
    "theory.conditions",
    "theory.models",
    "theory.answers",
    "pool.processes",
    "pool.cluster",
    "pool.executors",
    "replicate",
    "studies.precision",
    "studies.lots",
    "studies.journal",
    "studies.sweeps",
    "studies.comparison",
    "studies.forecast",
    "studies.twins",
    "studies.solution",
    "studies.cases",
    "studies.certificate",
    "pool.provisions",
    "terminal.estimates",
    "terminal.claims",
    "terminal.summary",
    "terminal.theory",
    "terminal.certificate",
    "terminal.sheet",
    "terminal.what_if",
    "terminal.tale",
    "terminal.watch",
    "plots.canvas",
    "plots.labels",
    "plots.lag",
    "plots.visibility",
    "plots.forecast",
    "plots.queue",
    "plots.blame",
    "plots.percentiles",
    "plots.load",
    "plots.grid",
    "plots.spacetime",
    "page.chart",
    "page.gallery",
    "page.drawing",
    "page.captions",
    "page.report",
    "lessons.amount",
    "lessons.display",
    "lessons.guess",
    "lessons.slider",
    "lessons.exercise",
    "lessons.the_warehouse",
    "lessons.many_hands",
    "lessons.how_stale_is_stale",
    "lessons.the_queue",
    "lessons.pushing_back",
    "lessons.slow_is_not_far",
    "lessons.things_go_wrong",
    "lessons.my_own_write",
    "lessons.how_sure_are_you",
    "lessons.designing_one",
    "live.clock",
    "live.proxy",
    "live.ports",
    "live.servers",
    "live.sqlite",
    "live.postgres",
    "live.standby",
    "live.valkey",
    "live.stores",
    "live.limits",
    "live.announced",
    "live.watcher",
    "live.writer",
    "live.reader",
    "live.stage",
    "commands.shell",
    "commands.report",
    "commands.live",
    "commands.fit",
    "commands.run",
    "commands.sweep",
    "commands.forecast",
    "commands.compare",
    "commands.plot",
    "commands.solve",
    "commands.theory",
    "commands.verify",
    "cli",
]


def test_nothing_but_the_commands_knows_of_real_stores() -> None:
    """Whoever measures, draws or compares cannot tell where a trace comes from."""
    users = [name for name, path in ROOMS.items() if "sim.live" in path.read_text(encoding="utf-8")]
    assert {name.split(".")[0] for name in users} <= {"live", "commands"}


def test_every_room_is_in_the_reading_order() -> None:
    """A new module has its place in the order, or this list is wrong."""
    assert sorted(READING_ORDER) == sorted(ROOMS)


@pytest.mark.parametrize("module", READING_ORDER)
def test_a_module_imports_only_what_stands_above_it(module: str) -> None:
    """Data flows one way; imports inside functions and for type checkers count too."""
    place = READING_ORDER.index(module)
    above, below = READING_ORDER[:place], READING_ORDER[place + 1 :]
    unfinished = {name.rpartition(".")[0] for name in below} - {module.rpartition(".")[0]}
    packages = {f"sim.{package}" for package in PACKAGES - unfinished}
    imported = set(_imports(ast.parse(ROOMS[module].read_text(encoding="utf-8"))))
    assert imported <= {"sim", *packages, *(f"sim.{name}" for name in above)}


def _imports(tree: ast.Module) -> Iterator[str]:
    """Give the modules of the house that are imported, be it by their names from their packages."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            whole = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [
                name if name.removeprefix("sim.") in {*ROOMS, *PACKAGES} else node.module for name in whole
            ]
        else:
            continue
        yield from (name for name in names if name.split(".")[0] == "sim")


@pytest.mark.parametrize("module", READING_ORDER)
def test_a_module_says_at_its_head_what_it_is_for(module: str) -> None:
    """One sentence, before anything else."""
    text = ast.get_docstring(ast.parse(ROOMS[module].read_text(encoding="utf-8")))
    assert text
    assert text.split("\n")[0].endswith((".", ":", ",")) or "\n\n" not in text.split(".")[0]


def test_everything_that_is_offered_can_be_had() -> None:
    """Each public name is loaded from its home; any other is refused like in any module."""
    assert [name for name in sim.__all__ if getattr(sim, name, None) is None] == []
    assert dir(sim) == sorted(sim.__all__)
    with pytest.raises(AttributeError, match="module 'sim' has no attribute 'nothing'"):
        sim.nothing  # noqa: B018


def test_nothing_outside_plots_loads_matplotlib() -> None:
    """Figures are drawn by one package, which the others load only when they need it."""
    users = {name for name, path in ROOMS.items() if "matplotlib" in path.read_text(encoding="utf-8")}
    assert {name.split(".")[0] for name in users} == {"plots"}
