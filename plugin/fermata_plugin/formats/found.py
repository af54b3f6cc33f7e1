"""What a file was found to hold."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from fermata_plugin.checkout import SourceFile
from fermata_spec.located import Mark, Value
from fermata_spec.problems import Problem

Meaning = Literal["dag-factory", "defaults", "python", "opaque"]


class FoundDag(NamedTuple):
    """A DAG that a file defines, at ``place``.

    ``settings`` is what it is made with as far as others look at it: of Python what is literal.
    ``digest`` stands for all of a dag-factory DAG's configuration; a Python DAG's depends on other
    files too, and is made later. ``mentions`` are the files of the checkout that it names.
    """

    dag_id: str
    place: Mark
    settings: Mapping[str, Value]
    digest: str = ""
    mentions: tuple[str, ...] = ()
    file: str = ""


class Found(NamedTuple):
    """A file and what it means; ``imports`` are a Python file's, with their places.

    ``defaults`` are those of the ``defaults.yml`` files above a dag-factory file, merged.
    """

    source: SourceFile
    meaning: Meaning
    dags: tuple[FoundDag, ...] = ()
    defaults: Mapping[str, Value] | None = None
    imports: tuple[tuple[str, Mark], ...] = ()

    @property
    def text(self) -> str | None:
        """Its text, if it is UTF-8; not kept, for its bytes are."""
        return self.source.text

    def problem(self, rule: str, message: str, place: Mark, *, file: str = "") -> Problem:
        """Return an error of this file, or of the part of it that ``file`` names."""
        return Problem(file or self.source.git_path, place.line, place.column, rule, message)
