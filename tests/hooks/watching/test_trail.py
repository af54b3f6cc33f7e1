"""What the watch does, and what it finds ended, is in the audit trail."""

import json
from typing import Any

from fermata_hooks.agenda import Denial
from fermata_hooks.argocd import ByApi
from watch_scene import Scene
from workplaces import NEW


def trail(scene: Scene) -> list[dict[str, Any]]:
    path = scene.around.folder / "audit.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_sync_that_ended_without_a_hook_is_recorded_with_argo_cds_words(scene: Scene) -> None:
    scene.argocd.begin("demo", revision=NEW)
    scene.hold("etl", revision=NEW)
    scene.argocd.end("demo", "Failed", "Operation terminated")

    scene.run(60)

    ended = [each for each in trail(scene) if each["event"] == "hold ended"]
    assert [(each["application"], each["revision"], each["dags"]) for each in ended] == [
        ("demo", NEW, ["etl"])
    ]
    assert ended[0]["reason"] == "its sync ended: Failed: Operation terminated"
    given_back = [each for each in trail(scene) if each["event"] == "intent"][-1]
    assert (given_back["dag"], given_back["values"]) == ("etl", {"is_paused": False})


def test_a_watch_that_finds_nothing_writes_nothing(scene: Scene) -> None:
    scene.run(60)

    assert not (scene.around.folder / "audit.jsonl").exists()


def test_the_sync_that_it_starts_is_written_down_before_and_after(scene: Scene) -> None:
    scene.argocd.rights.add("sync")
    scene.argocd.begin("demo", revision=NEW)
    place = scene.place()
    denial = Denial(
        application="demo", revision=NEW, rule="freeze", blocking=(), at=scene.clock.now()
    )
    place.agendas.deny(denial)
    scene.argocd.end("demo", "Failed", "one or more tasks failed")
    token = scene.argocd.token_file(scene.around.folder.parent)
    api = ByApi(scene.argocd.url, token, clock=scene.clock, witness=place.trail)
    place.__dict__["argocd"] = api

    watch = scene.watch_of(place)
    for _ in range(3):
        watch.do_pass()
        scene.clock.sleep(60)
    api.close()

    lines = [each for each in trail(scene) if each.get("service") == "argocd"]
    assert scene.argocd.started == ["demo"]
    assert [each["event"] for each in lines] == ["intent", "outcome"]
    assert {each["call"] for each in lines} == {"POST /api/v1/applications/demo/sync"}
    assert lines[1]["result"] == "done"
