"""From the text of ``fermata.yaml`` to its model, or to every problem in it."""

from fermata_spec.config import FILE_NAME, Config
from fermata_spec.located import Node, read_yaml
from fermata_spec.problems import Problem
from fermata_spec.sections import SectionKind
from fermata_spec.units import format_duration


def read_config(text: str, problems: list[Problem], *, file: str = FILE_NAME) -> Config | None:
    """Return the model of ``text``; ``None`` after adding every problem to ``problems``."""
    document = read_yaml(text, file, problems)
    if document is None:
        return None
    config: Config | None = SectionKind(Config).read(document.node)
    if config is not None and not _lease_lasts(config, document.node):
        return None
    return config


def _lease_lasts(config: Config, root: Node) -> bool:
    """Whether a hold outlives a sync that uses every deadline in full; reports it if not."""
    smoke = config.smoke.deadline if config.smoke.dags else 0.0
    longest = config.hold.drain.deadline + config.verify.deadline + smoke + config.hold.late
    if config.hold.lease >= longest:
        return True
    place = root
    for name in ("hold", "lease"):
        place = place.get(name) or place
    place.report(
        "deadlines",
        f"hold.lease {format_duration(config.hold.lease)} is shorter than a sync may take: "
        f"drain {format_duration(config.hold.drain.deadline)}, verify "
        f"{format_duration(config.verify.deadline)}, smoke {format_duration(smoke)}, "
        f"late {format_duration(config.hold.late)}",
    )
    return False
