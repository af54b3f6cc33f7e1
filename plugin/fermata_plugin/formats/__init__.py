"""What the files of a checkout mean: dag-factory's YAML, Python, and what is only passed on.

Nothing here runs or imports anything of a checkout; YAML is read as plain values, Python as syntax.
"""
