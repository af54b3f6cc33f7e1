"""A team's own rules over its dag-factory DAGs, as ``rules`` of ``fermata.yaml`` states them."""

from fnmatch import fnmatchcase

from fermata_plugin.formats.dag_factory import RESERVED
from fermata_spec.config import Rules
from fermata_spec.kinds import shown
from fermata_spec.located import Document, Node

NO_OWNER = "airflow"  # what Airflow takes when nobody says


def check_policy(document: Document, owners: dict[str, str], rules: Rules) -> None:
    """Report where the DAGs of ``document`` break ``rules``; ``owners`` by DAG id."""
    if not isinstance(document.value, dict):
        return  # reported where DAGs are read
    for dag_id, node in document.node.items():
        if dag_id in RESERVED or dag_id not in owners:
            continue
        _check_name(dag_id, node, rules)
        _check_owner(dag_id, owners[dag_id], node, rules)
    if rules.forbid_operators:
        _check_operators(document.node, rules)


def _check_name(dag_id: str, node: Node, rules: Rules) -> None:
    if rules.dag_ids and not any(fnmatchcase(dag_id, glob) for glob in rules.dag_ids):
        told = f"{dag_id} matches none of rules.dag_ids: {', '.join(rules.dag_ids)}"
        node.report("dag-id-policy", told, at_key=True)


def _check_owner(dag_id: str, owner: str, node: Node, rules: Rules) -> None:
    if rules.require_owner and owner in {"", NO_OWNER}:
        node.report("owner-policy", f"{dag_id} has no owner", at_key=True)
    elif rules.owners and owner not in rules.owners:
        told = f"{dag_id}: {shown(owner)} is none of rules.owners: {', '.join(rules.owners)}"
        node.report("owner-policy", told, at_key=True)


def _check_operators(node: Node, rules: Rules) -> None:
    """Report each forbidden operator, wherever it stands (defaults, lists, mappings)."""
    if not isinstance(node.value, dict | list):
        return
    for key, child in node.items():
        if key in {"operator", "decorator"} and isinstance(child.value, str):
            for glob in rules.forbid_operators:
                if fnmatchcase(child.value, glob):
                    told = f"{child.value} is forbidden by rules.forbid_operators: {glob}"
                    child.report("operator-policy", told)
        else:
            _check_operators(child, rules)
