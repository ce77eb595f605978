"""What a person can type, a room for each command; what they all need is in `shell`."""
