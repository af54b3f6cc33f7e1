"""Argo CD's own description of its API, against which requests and answers of the fake are held.

Three readings of it. Of a request nothing may be there that is not described: Argo CD ignores what
it does not know, so a misspelt field would go unnoticed. In answers 64-bit numbers are numbers
(Go's encoding), though the description calls them texts. And what Go has inlined is inline
(``strategy.hook.force``), though the description names it as a part.
"""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft4Validator  # type: ignore[import-untyped]

DESCRIPTION = Path(__file__).parents[1] / "provider" / "argocd-3.6.openapi.json"
UNDESCRIBED = {"fields"}  # query: every list and stream takes it

Json = dict[str, Any]


class ContractError(AssertionError):
    """Something that Argo CD's description does not know."""


@cache
def _description() -> Json:
    description: Json = _as_go_writes(json.loads(DESCRIPTION.read_text(encoding="utf-8")))
    definitions = description["definitions"]
    definitions["v1alpha1SyncStrategyHook"] = definitions["v1alpha1SyncStrategyApply"]
    return description


@cache
def _paths() -> list[tuple[re.Pattern[str], Json]]:
    # The subresource of can-i is declared as {subresource=**}: it may hold slashes.
    return [
        (
            re.compile(re.sub(r"\{subresource\}", ".+", re.sub(r"\{(?!sub)\w+\}", "[^/]+", path))),
            methods,
        )
        for path, methods in _description()["paths"].items()
    ]


def check_request(method: str, path: str, query: dict[str, list[str]], body: Json) -> Json:
    """Return the description of a request that is right by it."""
    described = _find(method, path)
    known = {each["name"] for each in described.get("parameters", []) if each["in"] == "query"}
    if unknown := set(query) - known - UNDESCRIBED:
        raise ContractError(f"{method} {path}: no such query parameters: {sorted(unknown)}")
    for parameter in described.get("parameters", []):
        if parameter["in"] == "body":
            _check(_strict(parameter["schema"]), body, f"{method} {path}: body")
    return described


def check_answer(described: Json, answer: Json, about: str) -> None:
    """Hold an answer against the description of its request."""
    _check(described["responses"]["200"]["schema"], answer, f"{about}: answer")


def _find(method: str, path: str) -> Json:
    for pattern, methods in _paths():
        if pattern.fullmatch(path) and method.lower() in methods:
            found: Json = methods[method.lower()]
            return found
    raise ContractError(f"{method} {path}: not described")


def _check(schema: Json, value: object, about: str) -> None:
    whole = {**schema, "definitions": _definitions(strict="x-strict" in schema)}
    for error in Draft4Validator(whole).iter_errors(value):
        where = "/".join(str(part) for part in error.absolute_path)
        raise ContractError(f"{about}: {where}: {error.message[:300]}")


def _strict(schema: Json) -> Json:
    return {**schema, "x-strict": True}


@cache
def _definitions(*, strict: bool) -> Json:
    definitions: Json = _description()["definitions"]
    if not strict:
        return definitions
    return {
        name: {**each, "additionalProperties": False} if "properties" in each else each
        for name, each in definitions.items()
    }


def _as_go_writes(node: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(node, list):
        return [_as_go_writes(each) for each in node]
    if not isinstance(node, dict):
        return node
    if node.get("format") == "int64" and node.get("type") == "string":
        return {**node, "type": ["integer", "string"]}
    return {key: _as_go_writes(each) for key, each in node.items()}
