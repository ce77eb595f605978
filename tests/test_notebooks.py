"""The lessons: their form, which is cheap to check, and that each runs from top to bottom, which is not."""

import ast
import re
import time
from importlib import import_module
from pathlib import Path

import nbclient
import nbformat
import pytest
from nbformat import NotebookNode

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
DEFINES_ITS_OWN = {"02-many-hands"}  # actors, from ten lines up
PLAIN = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
RHYTHM = {"Words first", "A surprise", "Change one argument", "Exercises", "Under the hood"}
LIMIT = 60  # seconds for a whole lesson

lesson = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


@lesson
def test_a_lesson_is_a_plain_notebook(path: Path) -> None:
    """No outputs, no counts, no metadata but the kernel; every cell has a name of its own."""
    notebook = _read(path)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor, notebook.metadata) == (4, 5, PLAIN)
    assert [cell.id for cell in notebook.cells if cell.metadata] == []
    assert [cell.id for cell in _code(notebook) if cell.outputs or cell.execution_count] == []
    assert [cell.id for cell in notebook.cells if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", cell.id)] == []


@lesson
def test_a_lesson_is_short_and_so_are_its_cells(path: Path) -> None:
    """15 to 40 cells, each of one to four lines; a paragraph counts as a line."""
    notebook = _read(path)
    assert 15 <= len(notebook.cells) <= 40
    assert {cell.id: lines for cell in notebook.cells if not 1 <= (lines := _lines(cell)) <= 4} == {}


@lesson
def test_a_lesson_keeps_the_rhythm(path: Path) -> None:
    """A prediction that is told later, asserts, a figure, a summary in three sentences, exercises."""
    notebook = _read(path)
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    code = "\n".join(cell.source for cell in _code(notebook))
    number = int(path.stem[:2])
    assert text.startswith(f"# {number}. ")
    assert _headings(text) >= {
        "Words first",
        "A surprise",
        "Change one argument",
        "Exercises",
        "Under the hood",
    }
    assert code.count("predict(") == code.count(".against(") >= 1
    assert min(code.count("assert "), code.count("show(")) >= 1
    [summary] = re.findall(r"## In three sentences\n\n(.+)", text)
    assert len(re.findall(r"[.?!](?: |$)", summary)) == 3
    for exercise in ("one", "two", "three"):
        assert f"{exercise}.check(...)" in code


@lesson
def test_a_lesson_defines_nothing(path: Path) -> None:
    """What it calls comes from the package, or from Python; the lesson about tasks writes some."""
    nodes = [node for cell in _code(_read(path)) for node in ast.walk(_parsed(cell))]
    definitions = {type(node) for node in nodes} & {ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef}
    assert definitions == ({ast.AsyncFunctionDef} if path.stem in DEFINES_ITS_OWN else set())


@lesson
def test_a_lessons_exercises_bear_its_name(path: Path) -> None:
    """03-how-stale-is-stale has those of sim.lessons.how_stale_is_stale."""
    name = "sim.lessons." + path.stem[3:].replace("-", "_")
    assert any(f"from {name} import exercises" in cell.source for cell in _code(_read(path)))
    assert len(import_module(name).exercises(1)) == 3


@lesson
def test_the_readme_says_what_one_can_do_after_it(path: Path) -> None:
    """One line each, with a link."""
    assert f"(notebooks/{path.name})" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_lessons_are_numbered_from_one() -> None:
    """And none is left out."""
    assert [int(path.stem[:2]) for path in NOTEBOOKS] == list(range(1, len(NOTEBOOKS) + 1))
    assert len(NOTEBOOKS) >= 3


@pytest.mark.slow
@lesson
def test_a_lesson_runs_from_top_to_bottom(path: Path) -> None:
    """In a fresh kernel, every assert holding, with all its predictions typed in; within a minute."""
    notebook, began = _read(path), time.monotonic()
    nbclient.NotebookClient(notebook, timeout=LIMIT, kernel_name="python3").execute()
    assert time.monotonic() - began < LIMIT
    shown = [output for cell in _code(notebook) for output in cell.outputs]
    assert [output for output in shown if output.output_type == "stream" and output.name == "stderr"] == []


def _read(path: Path) -> NotebookNode:
    notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    assert isinstance(notebook, NotebookNode)
    return notebook


def _code(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def _lines(cell: NotebookNode) -> int:
    return sum(bool(line.strip()) for line in cell.source.split("\n"))


def _headings(text: str) -> set[str]:
    return set(re.findall(r"^## (.+)$", text, re.MULTILINE))


def _parsed(cell: NotebookNode) -> ast.AST:
    """Parse a cell, in which one may await, but for the lines that are the notebook's own."""
    plain = re.sub(r"^%.*$", "", cell.source, flags=re.MULTILINE)
    tree = compile(plain, cell.id, "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    assert isinstance(tree, ast.AST)
    return tree
