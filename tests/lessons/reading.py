"""Reads the numbers out of a question, so that a test can work its answer out anew."""

import re

from sim.durations import UNITS

_TIME = re.compile(r"([\d.]+) (ms|s)\b")


def numbers(question: str) -> list[float]:
    """Give all numbers behind the question's own, in their order, with or without a unit."""
    return [float(number) for number in re.findall(r"\d+(?:\.\d+)?", question)][1:]


def seconds(question: str) -> list[float]:
    """Give the times that it names, in seconds."""
    return [float(number) * float(UNITS[unit]) for number, unit in _TIME.findall(question)]
