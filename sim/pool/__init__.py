"""Where many runs are played: processes, a cluster, and whoever hands out the work."""
