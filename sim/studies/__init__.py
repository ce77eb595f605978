"""Questions that take many runs: how exact, how it changes, which is better, what would it take."""
