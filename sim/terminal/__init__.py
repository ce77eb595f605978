"""What people see in a terminal: a module for each kind of answer."""

WIDTH = 100  # of what is broken into lines
