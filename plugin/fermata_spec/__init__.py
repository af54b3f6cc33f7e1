"""The leaf: what every part of Fermata agrees on.

The model of ``fermata.yaml``, of the plan and of the reports, the errors and their exit codes.
Nothing here does I/O beyond parsing text that it is given; it imports no other part, and no
library but PyYAML.
"""

__version__ = "0.1.0"
