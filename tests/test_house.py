import ast
from pathlib import Path

import pytest

import sim

PACKAGE = Path(sim.__file__).parent
ROOMS = {
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts): path
    for path in PACKAGE.rglob("*.py")
    if path.stem != "__init__"
}

READING_ORDER = [
    "wording",
    "processes",
    "durations",
    "observations",
    "distributions",
    "families",
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
    "trace",
    "worker",
    "writer",
    "door",
    "link",
    "reader",
    "stage",
    "arrays",
    "engines",
    "samples",
    "blame",
    "evidence",
    "visibility",
    "metrics",
    "fit",
    "expectations",
    "steady",
    "laws",
    "formulas",
    "conditions",
    "theory",
    "cluster",
    "executors",
    "replicate",
    "precision",
    "journal",
    "sweeps",
    "comparison",
    "forecast",
    "twins",
    "solution",
    "provisions",
    "cases",
    "certificate",
    "timeline",
    "backlog",
    "messages",
    "tale",
    "watch",
    "terminal",
    "sheet",
    "answers",
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
    "chart",
    "gallery",
    "drawing",
    "captions",
    "report",
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
    below = READING_ORDER[READING_ORDER.index(module) :]
    above = {"sim", *(f"sim.{name}" for name in READING_ORDER if name not in below)}
    whole = {name.split(".")[0] for name in READING_ORDER} - {name.split(".")[0] for name in below}
    above |= {f"sim.{package}" for package in whole}
    tree = ast.parse(ROOMS[module].read_text(encoding="utf-8"))
    imported = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module == "sim":
            imported |= {f"sim.{alias.name}" for alias in node.names if alias.name != "__version__"}
        elif isinstance(node, ast.ImportFrom) and node.module:
            imported.add(node.module)
    assert {name for name in imported if name.split(".")[0] == "sim"} <= above


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
