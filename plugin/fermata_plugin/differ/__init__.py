"""``fermata diff``: two checkouts, compiled, and what going from one to the other will do.

Offline. What is affected comes from the digests and by the same rule as in ``hold``; only the files
of affected DAGs are read again, to say why.
"""
