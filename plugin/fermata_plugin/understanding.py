"""What each file of a checkout means, by its name and by what stands in it."""

from fermata_plugin.checkout import SourceFile
from fermata_plugin.defaults import Defaults
from fermata_plugin.formats import dag_factory
from fermata_plugin.formats.environment_text import report_references
from fermata_plugin.formats.found import Found
from fermata_plugin.formats.mentions import Mentions
from fermata_plugin.formats.python_source import read_python
from fermata_plugin.formats.secrets import find_secrets
from fermata_plugin.policy import check_policy
from fermata_spec import limits
from fermata_spec.config import Config
from fermata_spec.limits import Budget
from fermata_spec.problems import Problem
from fermata_spec.yaml_reader import read_yaml

_YAML = (".yaml", ".yml")


class Understanding:
    """Understands the files of one checkout, whose DAGs folder is ``root``."""

    def __init__(
        self,
        config: Config,
        root: str,
        defaults: Defaults,
        mentions: Mentions,
        problems: list[Problem],
    ) -> None:
        self._files = config.files
        self._rules = config.rules
        self._prefix = f"{root}/" if root else ""
        self._defaults = defaults
        self._mentions = mentions
        self._problems = problems
        self._budget = Budget(limits.CONFIGURED_CHARACTERS)

    def file(self, source: SourceFile) -> Found:
        """Return what ``source`` means; reports what is wrong with it."""
        text = source.text
        for part in source.parts or (source,):
            for place, what in find_secrets((text if part is source else part.text) or ""):
                told = f"this looks like {what}: secrets belong into a connection or a Secret"
                self._problems.append(Problem(part.git_path, *place, "secret", told))
        is_python, is_yaml = source.path.endswith(".py"), source.path.endswith(_YAML)
        if text is None and (is_python or is_yaml):
            self._problems.append(Problem(source.git_path, 1, 1, "not-utf8", "not UTF-8"))
        elif text is not None and is_python:
            return self._python(source, text)
        elif text is not None and is_yaml and self._files.format != "opaque":
            return self._yaml(source, text)
        return Found(source=source, meaning="opaque")

    def _python(self, source: SourceFile, text: str) -> Found:
        package = source.path.removeprefix(self._prefix).rpartition("/")[0].replace("/", ".")
        read = read_python(source.git_path, text, self._problems, package=package)
        if read is None:
            return Found(source=source, meaning="opaque")
        return Found(source=source, meaning="python", dags=read.dags, imports=read.imports)

    def _yaml(self, source: SourceFile, text: str) -> Found:
        if dag_factory.is_defaults(source.path):
            return Found(source=source, meaning="defaults")
        found: list[Problem] = []
        document = source.document or read_yaml(text, source.git_path, found)
        is_wanted = self._files.format == "dag-factory"
        if not is_wanted and not dag_factory.is_dag_factory(document.value):
            # Other YAML may have tags and documents of its own; it is only passed on.
            self._problems += [each for each in found if each.rule in {"yaml-syntax", "limit"}]
            return Found(source=source, meaning="opaque")
        above = self._defaults.above(source.path)
        path = source.path.removeprefix(self._prefix)
        dags = (
            dag_factory.read_dags(
                document,
                above,
                lambda value: self._mentions.find(text, path, value),
                self._budget,
            )
            if document.complete
            else []
        )
        owners = {dag.dag_id: str(dag.settings["owner"]) for dag in dags}
        check_policy(document, owners, self._rules)
        report_references(text, document, kept=self._files.form != "as-is")
        self._problems += found
        return Found(source=source, meaning="dag-factory", dags=tuple(dags), defaults=above)
