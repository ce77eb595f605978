import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
SET_UP = "pip install uv && "
LONG = ("pytest", "tests.bench", "verify", "jupyter")  # not run: one would call itself, others have tests


def test_the_test_command_is_the_one_that_ci_runs() -> None:
    """CI reads the command from the README; here it would call itself."""
    assert [command for command, _ in _commands() if "pytest" in command] == [SET_UP + "uv run pytest"]
    assert r"sed -n 's/^\$ \(.*pytest.*\)$/\1/p' README.md" in (ROOT / ".ci" / "run").read_text(
        encoding="utf-8"
    )


@pytest.mark.slow
def test_each_command_prints_what_the_readme_says(tmp_path: Path) -> None:
    """Every `sim` command is run, one after the other, and its output compared with the text below it."""
    commands = [(command, shown) for command, shown in _commands() if not any(w in command for w in LONG)]
    assert len(commands) == 10
    for command, shown in commands:
        _hold(command, shown, tmp_path)


@pytest.mark.parametrize("words", ["sim list", "sim run story"])
def test_short_commands_print_what_the_readme_says(words: str, tmp_path: Path) -> None:
    """Those that take a moment are always run."""
    command, shown = next(one for one in _commands() if one[0] == f"uv run {words}")
    _hold(command, shown, tmp_path)


@pytest.mark.parametrize(
    ("code", "shown"), re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", README, re.DOTALL)
)
def test_python_lines_print_what_the_readme_says(tmp_path: Path, code: str, shown: str) -> None:
    """Each block runs as it stands."""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=_environment(), capture_output=True, text=True
    )
    assert (done.stdout, done.stderr) == (shown, "")


def test_all_python_lines_have_their_output() -> None:
    """None is left untested."""
    assert (
        README.count("```python") == len(re.findall(r"```python\n.*?```\n\n```text", README, re.DOTALL)) == 3
    )


@pytest.mark.parametrize("path", re.findall(r"!\[.*?\]\((.*?)\)", README))
def test_its_pictures_are_there(path: str) -> None:
    """Each picture is part of the repository, and small."""
    assert 0 < (ROOT / path).stat().st_size < 100_000


def _hold(command: str, shown: str, folder: Path) -> None:
    """Run a command, and compare what it prints with what is shown, if anything is, but for the wall time."""
    words = command.removeprefix(SET_UP).removeprefix("uv run ")
    done = subprocess.run(
        ["bash", "-c", words], cwd=folder, env=_environment(), capture_output=True, text=True
    )
    assert (done.returncode in (0, 1), done.stderr) == (True, "")
    assert _timeless(shown or done.stdout) == _timeless(done.stdout)


def _commands() -> list[tuple[str, str]]:
    """Give each command with the output that follows it, in its own block or in the next one."""
    blocks = re.findall(
        r"```console\n\$ (.*?)\n(.*?)```(?:\n[^`]*?ends in\n\n```text\n(.*?)```)?", README, re.DOTALL
    )
    return [(command, here or below) for command, here, below in blocks]


def _timeless(text: str) -> str:
    return re.sub(r"simulated in [\d.]+ s", "simulated in some time", text)


def _environment() -> dict[str, str]:
    """Find `sim` where these tests run."""
    return {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
