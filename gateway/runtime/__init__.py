"""What runs when nobody asks: the committer, the worker and its jobs, wake-ups, the clock."""
