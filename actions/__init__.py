"""The action server's actions: thin, over the pure core in `milia`."""
