"""The closed forms: what they are made of, when each is right, and what they say of a scenario."""
