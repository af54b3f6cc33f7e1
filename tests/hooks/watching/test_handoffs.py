"""What hold hands over to finish is removed when no sync asks for it any more, and not before."""

import logging

import pytest

from fermata_hooks.documents import FileDocuments
from fermata_hooks.handoff import Handoff, document_name, read_handoff, write_handoff
from fermata_spec.errors import RejectedError
from watch_scene import LEASE, Scene, lines_about
from workplaces import NEW, CountedDocuments

WHILE = 1300.0  # seconds: two inventories


def hand_over(scene: Scene, application: str = "demo") -> None:
    """Let a hold step write its handoff now."""
    now = scene.clock.now()
    written = Handoff(application=application, revision=NEW, started=now, useful_until=now + LEASE)
    write_handoff(FileDocuments(scene.around.folder), written)


def is_there(scene: Scene, application: str = "demo") -> bool:
    """Return whether a finish would find it."""
    documents = FileDocuments(scene.around.folder)
    return read_handoff(documents, application, NEW) is not None


@pytest.mark.slow
def test_a_handoff_stays_for_a_lease_and_goes_afterwards(scene: Scene) -> None:
    hand_over(scene)

    scene.run(LEASE)
    assert is_there(scene)

    scene.run(WHILE)
    assert not is_there(scene)


@pytest.mark.slow
def test_an_application_that_holds_keeps_it(scene: Scene) -> None:
    hand_over(scene)
    hand_over(scene, "other")
    scene.clock.sleep(2 * LEASE)
    scene.hold("etl")

    scene.run(WHILE, argocd=False)

    assert is_there(scene)
    assert not is_there(scene, "other")


class Overtaken(CountedDocuments):
    """A store in which a hold step is faster than whoever deletes."""

    scene: Scene

    def delete(self, name: str, *, expected: str | None = None) -> None:
        if name == document_name("demo") and not self.calls[f"delete {name}"]:
            hand_over(self.scene)
        super().delete(name, expected=expected)


@pytest.mark.slow
def test_one_that_is_written_meanwhile_stays(scene: Scene) -> None:
    hand_over(scene)
    scene.clock.sleep(2 * LEASE)
    scene.documents = Overtaken(scene.around.folder)
    scene.documents.scene = scene

    scene.run(WHILE)

    assert is_there(scene)
    assert scene.documents.calls[f"delete {document_name('demo')}"] == 1


@pytest.mark.slow
def test_a_damaged_one_is_told_of_and_goes_after_a_day(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    FileDocuments(scene.around.folder).put(document_name("demo"), b"damaged")
    watch = scene.watch()

    with caplog.at_level(logging.INFO, "fermata"):
        for _ in range(2 * 24):
            watch.do_pass()
            scene.clock.sleep(LEASE / 2)
        assert scene.written(document_name("demo")) == b"damaged"
        for _ in range(2):
            watch.do_pass()
            scene.clock.sleep(LEASE / 2)

    assert scene.written(document_name("demo")) is None
    assert len(lines_about(caplog.messages, "handoff is damaged")) == 1


class Forbidden(CountedDocuments):
    """A store whose documents may not be listed."""

    def versions(self, prefix: str) -> dict[str, str]:
        raise RejectedError(f"403: configmaps is forbidden: {prefix}", status=403)


@pytest.mark.slow
def test_without_the_right_they_stay_and_that_is_told_once(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    hand_over(scene)
    scene.clock.sleep(2 * LEASE)
    scene.documents = Forbidden(scene.around.folder)

    with caplog.at_level(logging.INFO, "fermata"):
        scene.run(WHILE)

    assert is_there(scene)
    assert len(lines_about(caplog.messages, "handoffs: refuses")) == 1
