from dataclasses import replace

import pytest

from fermata_hooks.airflow_api import Dag
from fermata_hooks.selection import Selection, is_first_deployment, select
from fermata_spec.dagset import Change, DagSetStatus, Verified
from fermata_spec.errors import SettingsError
from fermata_spec.plan import HoldPolicy, Plan, SmokeDag, SmokePolicy
from fermata_spec.selectors import parse_exclusions, parse_selectors
from workplaces import make_plan

AIRFLOW = (
    Dag(dag_id="etl", is_paused=False, tags=("nightly",), owners=("alice",), bundle_name="main"),
    Dag(dag_id="etl_hourly", is_paused=False, tags=("hourly",), owners=("bob",)),
    Dag(dag_id="mail", is_paused=True, owners=("bob",)),
    Dag(dag_id="old", is_paused=False, is_stale=True, tags=("nightly",)),
)
PLAN = make_plan("etl", "etl_hourly", "fresh")
TOUCHED = Change(changed=frozenset({"etl", "fresh"}), removed=frozenset({"old"}))


def selected(*expressions: str, plan: Plan = PLAN, first: bool = False) -> Selection:
    wanted = parse_selectors(expressions)
    exclude = wanted.exclude | plan.hold.exclude
    hold = replace(plan.hold, select=wanted.select, exclude=exclude)
    return select(replace(plan, hold=hold), TOUCHED, AIRFLOW, first=first)


@pytest.mark.parametrize(
    ("expressions", "wanted"),
    [
        (["affected"], ("etl", "old")),
        (["all"], ("etl", "etl_hourly", "mail")),
        (["etl_*"], ("etl_hourly",)),
        (["tag:nightly"], ("etl", "old")),
        (["owner:bob"], ("etl_hourly", "mail")),
        (["bundle:main"], ("etl",)),
        (["affected", "mail"], ("etl", "mail", "old")),
        (["all", "!owner:bob"], ("etl",)),
        (["all", "!etl*"], ("mail",)),
        (["tag:nightly", "!old"], ("etl",)),
    ],
)
def test_expressions_select_dags_of_airflow(
    expressions: list[str], wanted: tuple[str, ...]
) -> None:
    assert selected(*expressions).wanted == wanted


def test_what_airflow_has_not_parsed_cannot_be_held_and_is_named() -> None:
    assert selected("affected").new == ("fresh",)
    assert selected("fr*").new == ("fresh",)
    assert selected("affected", "!fresh").new == ()


def test_smoke_dags_are_never_wanted() -> None:
    plan = replace(PLAN, smoke=SmokePolicy(dags=(SmokeDag(dag_id="mail"),)))

    found = selected("all", plan=plan)

    assert found.wanted == ("etl", "etl_hourly")
    assert found.smoke == ("mail",)


def test_what_is_excluded_is_named() -> None:
    plan = replace(PLAN, hold=HoldPolicy(exclude=parse_exclusions(["owner:alice"])))

    found = selected("affected", plan=plan)

    assert found.excluded == ("etl",)
    assert found.wanted == ("old",)


def test_an_id_that_nobody_knows_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(SettingsError) as caught:
        selected("affected", "etl_hourl")

    assert str(caught.value) == (
        "hold.select: no DAG 'etl_hourl' in Airflow or in git, of 5 (did you mean etl_hourly?)"
    )


def test_an_id_that_nobody_knows_is_refused_as_an_exclusion_too() -> None:
    with pytest.raises(SettingsError, match=r"hold.exclude: no DAG 'mial'.*did you mean mail"):
        selected("all", "!mial")


def test_an_id_that_only_git_knows_is_known() -> None:
    assert selected("fresh").new == ("fresh",)


def test_a_selection_that_matches_nothing_at_all_is_refused_with_what_may_be_meant() -> None:
    with pytest.raises(SettingsError) as caught:
        selected("tag:nigthly", "load_*")

    assert str(caught.value) == (
        "hold.select: load_*, tag:nigthly: matches none of 5 DAG(s) in Airflow and in git "
        "(did you mean tag:nightly?)"
    )


def test_a_part_that_matches_nothing_is_named_and_the_rest_is_held() -> None:
    found = selected("tag:nightly", "tag:weekly")

    assert found.wanted == ("etl", "old")
    assert found.unmatched == ("tag:weekly",)


def test_beside_affected_a_part_may_match_nothing() -> None:
    assert selected("affected", "tag:weekly").unmatched == ("tag:weekly",)


def test_exclusions_may_match_nothing() -> None:
    assert selected("all", "!tag:never-hold").wanted == ("etl", "etl_hourly", "mail")


@pytest.mark.parametrize("expression", ["computed", "tag:nightly", "load_*"])
def test_a_first_deployment_is_not_blocked_by_what_cannot_be_known_yet(expression: str) -> None:
    wanted = parse_selectors([expression])
    plan = replace(make_plan(), hold=HoldPolicy(select=wanted.select))

    found = select(plan, Change(), (), first=True)

    assert found == Selection(wanted=(), unmatched=(expression,))


@pytest.mark.parametrize(
    ("verified", "dags", "first"),
    [
        pytest.param(False, (), True, id="an empty Airflow"),
        pytest.param(False, AIRFLOW[2:], True, id="an Airflow of others"),
        pytest.param(False, AIRFLOW, False, id="Airflow has a DAG of it"),
        pytest.param(True, (), False, id="it was verified once"),
    ],
)
def test_a_first_deployment_is_told_by_both(
    dags: tuple[Dag, ...], *, verified: bool, first: bool
) -> None:
    proof = Verified(revision="a", at="", evidence="", digests={}) if verified else None

    assert is_first_deployment(PLAN, DagSetStatus(verified=proof), dags) is first
