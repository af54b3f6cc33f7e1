"""How often an hour of the watch asks Airflow, Argo CD and the ledger's store.

The watch is real, and so is HTTP; Airflow and Argo CD are the tests' own, and the clock moves only
when somebody sleeps on it, so that an hour takes seconds.
"""

import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from fakes.fake_airflow import FakeAirflow
from fakes.fake_argocd import FakeArgoCd
from fakes.manual_clock import ManualClock
from watch_scene import Scene

DAGS = 1000


def hour(prepare: Callable[[Scene], object]) -> Counter[str]:
    """Return the requests of an hour by what they asked, once ``prepare`` has set the scene."""
    clock = ManualClock()
    with (
        tempfile.TemporaryDirectory() as folder,
        FakeAirflow("3.3.2", now=clock.now) as airflow,
        FakeArgoCd(now=clock.now) as argocd,
    ):
        for number in range(DAGS):
            airflow.add_dag(f"dag_{number:04}")
        argocd.add("demo")
        scene = Scene(airflow, argocd, Path(folder), clock)
        prepare(scene)
        airflow.requests.clear()
        argocd.requests.clear()
        scene.documents.calls.clear()
        scene.run(3600 - 30)
        scene.close()
        asked = Counter(f"Airflow {_what(line)}" for line in airflow.requests)
        asked.update(f"Argo CD {_what(line)}" for line in argocd.requests)
        asked.update({f"ledger's store {what}": n for what, n in scene.documents.calls.items()})
        return asked


def _what(line: str) -> str:
    return line.partition("?")[0]


def main() -> None:
    """Print both hours side by side."""
    idle = hour(lambda _: None)
    held = hour(lambda scene: scene.begin_sync(*(f"dag_{number:04}" for number in range(100))))
    print(f"watch, period 15 s, {DAGS} DAGs: requests an hour")
    print(f"{'':60} {'idle':>6} {'a sync holds 100 DAGs':>22}")
    for what in sorted(idle | held):
        print(f"{what:60} {idle[what]:6} {held[what]:22}")


if __name__ == "__main__":
    main()
