"""The same actors in real time, over stores that are real."""
