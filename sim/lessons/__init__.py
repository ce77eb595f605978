"""What a lesson calls: type a guess, look at a figure, a table or a source, put a hand on a knob.

    from sim.lessons import lag, predict, queue, show, slider, source, table

The exercises of each lesson are in the module that bears its name.
"""

from sim.lessons.display import Picture as Picture
from sim.lessons.display import hockey_stick as hockey_stick
from sim.lessons.display import lag as lag
from sim.lessons.display import messages as messages
from sim.lessons.display import queue as queue
from sim.lessons.display import show as show
from sim.lessons.display import source as source
from sim.lessons.display import table as table
from sim.lessons.guess import Guess as Guess
from sim.lessons.guess import predict as predict
from sim.lessons.slider import Knob as Knob
from sim.lessons.slider import slider as slider
