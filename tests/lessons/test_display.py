import inspect

import sim
from sim.inventory import decide
from sim.lessons import lag, show, source, table


def test_runs_stand_side_by_side_each_number_in_its_unit() -> None:
    """A column for each run, a row for each metric, in Markdown."""
    runs = {delay: sim.run("story", settings={"link.delay": delay}) for delay in ("1s", "250ms")}
    found = table(runs, "visibility_lag.mean", "stale_read_fraction", "versions_behind.max")
    assert found._repr_markdown_().split("\n") == [
        "|  | 1s | 250ms |",
        "| --- | ---: | ---: |",
        "| visibility_lag.mean | 1 s | 250 ms |",
        "| stale_read_fraction | 25% | 0% |",
        "| versions_behind.max | 1 | 0 |",
    ]


def test_a_source_is_shown_as_the_package_has_it() -> None:
    """As it stands, and in colour where somebody can show that."""
    assert str(source(decide)) == inspect.getsource(decide).rstrip()
    assert "<pre>" in source(decide)._repr_html_()


def test_a_figure_is_shown_in_the_look_of_the_package() -> None:
    """The same figure gives the same text, whatever the settings around it are."""
    trace = sim.run("story")
    once, again = (show(lag(trace, product=1))._repr_svg_() for _ in range(2))
    assert once == again
    assert once.startswith("<?xml")
