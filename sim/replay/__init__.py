"""One run, instant by instant, as plain data: ready to be drawn or told."""
