"""What holds for every property.

It may take its time, for the machine may have other things to do. And it is
held against the same examples each time, so that nobody's change is refused
for what another one has brought in: `--hypothesis-profile=explore` draws new ones.
"""

from hypothesis import settings

settings.register_profile("unhurried", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None)
settings.load_profile("unhurried")
