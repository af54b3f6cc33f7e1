"""What an environment may hold, and whether its overlay can reach Airflow at all."""

from collections.abc import Sequence

from fermata_plugin.checkout import SourceFile
from fermata_plugin.choice import Chosen
from fermata_plugin.formats.found import Found
from fermata_spec.config_reader import ConfigFile


def check_environment(
    chosen: Chosen, read: ConfigFile, sources: Sequence[SourceFile], found: Sequence[Found]
) -> None:
    """Report more than the environment may hold, and files that only a rendering would lay over."""
    if chosen.environment is None:
        return
    limits = chosen.environment.limits
    counts = {
        "files": (limits.files, len(sources)),
        "dags": (limits.dags, sum(len(each.dags) for each in found)),
        "bytes": (limits.bytes, sum(len(each.data) for each in sources)),
    }
    for what, (most, there_are) in counts.items():
        if most is not None and there_are > most:
            told = f"{chosen.name} has {there_are} {what}, and may have {most}"
            keys = ("environments", chosen.name, "limits", what)
            read.report(keys, "environment-limit", told)
    delivery = read.config.delivery
    laid = [each.git_path for each in sources if each.origin]
    if laid and delivery != "configmap":
        told = f"with delivery: {delivery} Airflow reads git's own files, not {laid[0]}"
        read.report(("delivery",), "overlay", told)
