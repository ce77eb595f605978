"""What metrics are made of: what of a trace is measured, and how samples are described."""
