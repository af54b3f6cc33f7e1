import columns

TABLES = []
