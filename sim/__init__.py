"""A laboratory for eventual consistency."""

__version__ = "0.1.0"
