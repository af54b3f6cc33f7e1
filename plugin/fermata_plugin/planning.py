"""From a checkout that was read to the plan of one revision."""

from collections.abc import Sequence
from typing import NamedTuple

from fermata_plugin.artifacts import Artifact
from fermata_plugin.loading import Loaded
from fermata_plugin.probe import smoke_dag
from fermata_plugin.smoke_check import check_smoke
from fermata_spec.plan import (
    CHECK_MODES,
    Expectations,
    HoldPolicy,
    Plan,
    PlannedDag,
    ReleasePolicy,
    RollbackPolicy,
    SmokeDag,
    SmokePolicy,
    VerifyPolicy,
)
from fermata_spec.problems import Problem


class Identity(NamedTuple):
    """For whom and of what a plan is: Argo CD's instance name, the revision, the namespace.

    All may be empty where nothing but the checkout is judged (``lint``).
    """

    application: str = ""
    revision: str = ""
    namespace: str = ""


def make_plan(
    loaded: Loaded,
    artifacts: Sequence[Artifact],
    identity: Identity,
    problems: list[Problem],
    *,
    target: str = "",
) -> Plan:
    """Return the plan; reports DAG ids that stand twice, and smoke DAGs that do not exist.

    ``target`` is the branch or tag that the application follows.
    """
    config = loaded.config
    dags = _distinct(loaded, artifacts, problems)
    check_smoke(loaded, problems)
    hold, smoke, expects = config.hold, config.smoke, config.expects
    credentials = config.airflow.credentials
    return Plan(
        application=identity.application,
        revision=identity.revision,
        namespace=identity.namespace,
        target=target,
        guards=loaded.file.raw_guards(),
        airflow_url=config.airflow.url,
        credentials_secret=(credentials.secret or "") if credentials else "",
        delivery=config.delivery,
        dags=tuple(sorted(dags, key=lambda dag: dag.dag_id)),
        expects=Expectations(
            airflow=expects.airflow or "",
            providers=expects.providers,
            pools=expects.pools,
            connections=expects.connections,
            variables=expects.variables,
            unseen=expects.unseen,
        ),
        hold=HoldPolicy(
            select=hold.select.select,
            exclude=hold.select.exclude | hold.exclude,
            drain_deadline=hold.drain.deadline,
            on_deadline=hold.drain.on_deadline,
            extend_to=hold.drain.extend_to,
            wait_for_deferred=hold.drain.wait_for_deferred,
            lease=hold.lease,
            late=hold.late,
            on_failure=hold.on_failure,
        ),
        verify=VerifyPolicy(
            deadline=config.verify.deadline,
            settle=config.verify.settle,
            max_lost=config.verify.max_lost,
            serialize_lag=config.verify.serialize_lag,
            mount_lag=config.verify.mount_lag,
            parse_budget=config.verify.parse_budget,
            checks={name: getattr(config.verify.checks, name) for name in CHECK_MODES},
        ),
        release=ReleasePolicy(
            limit=config.release.limit,
            over_limit=config.release.over_limit,
            stagger=config.release.stagger,
        ),
        rollback=RollbackPolicy(
            enabled=config.rollback.enabled,
            branch=config.rollback.branch,
            path=config.rollback.path,
            push_to=config.rollback.push_to,
            max_age=config.rollback.max_age,
        ),
        smoke=SmokePolicy(
            deadline=smoke.deadline,
            at_once=smoke.at_once,
            keep=smoke.keep,
            dags=tuple(
                SmokeDag(
                    dag_id=run.dag_id, conf=run.conf, deadline=run.deadline, skip=run.skip or ""
                )
                for run in smoke.dags
            )
            + ((smoke_dag(smoke.probe),) if smoke.probe.wanted else ()),
        ),
    )


def _distinct(
    loaded: Loaded, artifacts: Sequence[Artifact], problems: list[Problem]
) -> list[PlannedDag]:
    places = {
        (found.source.git_path, dag.dag_id): (found, dag)
        for found in loaded.found
        for dag in found.dags
    }
    seen: dict[str, PlannedDag] = {}
    for artifact in artifacts:
        for dag in artifact.dags:
            other = seen.setdefault(dag.dag_id, dag)
            if other is not dag:
                found, at = places[dag.source, dag.dag_id]
                told = f"{dag.dag_id} is defined in {other.source} too"
                problems.append(found.problem("duplicate-dag-id", told, at.place, file=at.file))
    return list(seen.values())
