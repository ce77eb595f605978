"""What holds for every test: a property may take its time, for the machine may have other things to do."""

from hypothesis import settings

settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")
