"""The way back in git: one revert commit of everything since the last verified revision.

Nothing is checked out and nothing of the repository is executed: the commit is made of trees and
entries, in a bare repository that is gone afterwards, and it is on the branch whole or not at all.
"""

from fermata_hooks.rollback._access import Access, read_access
from fermata_hooks.rollback._deed import Deed, Wish, foresee, roll_back
from fermata_hooks.rollback._git import Git
from fermata_hooks.rollback._record import Records

__all__ = ["Access", "Deed", "Git", "Records", "Wish", "foresee", "read_access", "roll_back"]
