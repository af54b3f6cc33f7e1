"""References to the environment in dag-factory's YAML."""

from fermata_plugin.formats.environment_text import report_references
from fermata_spec.yaml_reader import read_yaml

TEXT = """\
one:
  schedule: ${SCHEDULE}
  tasks: {t: {operator: x.Y, bash_command: echo $HOME $(date) $1 $$}}
two:
  tasks: {t: {operator: x.Y, bash_command: echo $HOME, env: {PRICE: 5$}}}
three:
  tasks: {t: {operator: x.Y, sql: ["select '$region'"]}}
"""


def warned(*, kept: bool) -> list[str]:
    document = read_yaml(TEXT, "a.yaml", [])
    report_references(TEXT, document, kept=kept)
    return [f"{each.line}: {each.message.split()[0]}" for each in document.problems]


def test_in_a_dag_file_only_what_no_shell_reads_is_told() -> None:
    assert warned(kept=True) == ["2: ${SCHEDULE}", "7: $region"]


def test_where_dag_factory_reads_the_file_everything_is() -> None:
    assert warned(kept=False) == ["2: ${SCHEDULE}:", "5: $HOME:", "7: $region:"]
