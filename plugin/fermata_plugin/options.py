"""The options that several of the renderer's commands share: for whom, and which environment."""

import os
from collections.abc import Callable
from typing import TypeVar

import click

from fermata_plugin.choice import Choice, find_application
from fermata_plugin.parameters import read_parameters

_Command = TypeVar("_Command", bound=Callable[..., object])

BRANCH = "ARGOCD_APP_SOURCE_TARGET_REVISION"
SOURCE_PATH = "ARGOCD_APP_SOURCE_PATH"
PARAMETERS = "ARGOCD_APP_PARAMETERS"

path_argument = click.argument("path", default=".", type=click.Path(file_okay=False, exists=True))


def identity_options(command: _Command) -> _Command:
    """Add the options that say for whom is rendered; Argo CD gives them in the environment."""
    for name, variable, text in (
        ("namespace", "ARGOCD_APP_NAMESPACE", "The application's destination namespace."),
        ("revision", "ARGOCD_APP_REVISION", "The revision that is rendered."),
        ("application", "ARGOCD_APP_NAME", "The application's instance name."),
    ):
        option = click.option(f"--{name}", envvar=variable, show_envvar=True, default="", help=text)
        command = option(command)
    return command


def choice_options(command: _Command) -> _Command:
    """Add the options that choose an environment; ``chosen`` makes a ``Choice`` of them."""
    command = click.option(
        "--branch",
        help=f"The branch that is followed; else ${BRANCH}, if that is set. An environment that "
        "names a branch refuses another.",
    )(command)
    return click.option(
        "--environment",
        default="",
        metavar="NAME",
        help="Which environment of fermata.yaml; else the Application's parameter, the one whose "
        "overlay PATH is, or the one of the branch.",
    )(command)


def chosen(path: str, environment: str, branch: str | None) -> tuple[str, Choice]:
    """Return the folder of ``fermata.yaml``, and what is said about the environment."""
    root, folder = find_application(path, os.environ.get(SOURCE_PATH))
    # Not click's own way to read a variable: for it one that is empty is not there.
    followed = os.environ.get(BRANCH) if branch is None else branch
    given = read_parameters(os.environ.get(PARAMETERS))
    return root, Choice(environment, followed, folder, given)
