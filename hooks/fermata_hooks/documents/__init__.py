"""Named byte documents that change by compare-and-swap only.

Whoever replaces a document names the version that it has read; another version by now is a
``ConflictError``, and nothing is overwritten. Two stores keep the same promise: files in a folder,
and ConfigMaps of one namespace. What is in a document is none of the stores' business; ``pack``,
``unpack`` and ``change`` serve those who keep a small record in one.
"""

from fermata_hooks.documents._config_maps import ConfigMapDocuments
from fermata_hooks.documents._files import FileDocuments
from fermata_hooks.documents._port import ABSENT, ConflictError, Document, Documents
from fermata_hooks.documents._records import DAMAGE, change, pack, unpack

__all__ = [
    "ABSENT",
    "DAMAGE",
    "ConfigMapDocuments",
    "ConflictError",
    "Document",
    "Documents",
    "FileDocuments",
    "change",
    "pack",
    "unpack",
]
