"""The page to pass on: which figures there are, what they say in words, and the file itself."""
