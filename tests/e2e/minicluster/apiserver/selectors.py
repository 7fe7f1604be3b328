"""Label and field selectors, parsed into predicates over objects."""

import re

from .errors import bad_request

_SET = re.compile(r"^\s*(?P<key>[^\s,!=()]+)\s+(?P<op>in|notin)\s*\((?P<values>[^)]*)\)\s*$")
_EQUAL = re.compile(r"^\s*(?P<key>[^\s,!=()]+)\s*(?P<op>==|=|!=)\s*(?P<value>[^\s,!=()]*)\s*$")
_EXISTS = re.compile(r"^\s*(?P<no>!?)\s*(?P<key>[^\s,!=()]+)\s*$")


def split_outside_parentheses(text):
    return [part for part in re.split(r",(?![^()]*\))", text) if part.strip()]


def _requirement(text):
    match = _SET.match(text)
    if match:
        values = {v.strip() for v in match["values"].split(",")}
        wanted = match["op"] == "in"
        return lambda labels, key=match["key"]: (
            labels[key] in values
            if wanted and key in labels
            else not wanted and labels.get(key) not in values
        )
    match = _EQUAL.match(text)
    if match:
        key, value = match["key"], match["value"]
        if match["op"] == "!=":
            return lambda labels: labels.get(key) != value
        return lambda labels: labels.get(key) == value
    match = _EXISTS.match(text)
    if match:
        key, wanted = match["key"], not match["no"]
        return lambda labels: (key in labels) == wanted
    raise bad_request(f'unable to parse requirement: found "{text}"')


def label_predicate(text):
    if not text:
        return None
    requirements = [_requirement(part) for part in split_outside_parentheses(text)]

    def matches(obj):
        labels = obj["metadata"].get("labels") or {}
        return all(requirement(labels) for requirement in requirements)

    return matches


def selector_predicate(selector):
    """The predicate of a spec.selector: matchLabels and matchExpressions, or a plain map."""
    if "matchLabels" not in selector and "matchExpressions" not in selector:
        selector = {"matchLabels": selector}
    parts = [f"{k}={v}" for k, v in (selector.get("matchLabels") or {}).items()]
    for e in selector.get("matchExpressions") or []:
        operator = e["operator"]
        if operator in ("In", "NotIn"):
            parts.append(f"{e['key']} {operator.lower()} ({','.join(e['values'])})")
        else:
            parts.append(("!" if operator == "DoesNotExist" else "") + e["key"])
    return label_predicate(",".join(parts))


def field_value(obj, path):
    at = obj
    for name in path.split("."):
        at = at.get(name) if isinstance(at, dict) else None
    if at is None:
        return ""
    return str(at).lower() if isinstance(at, bool) else str(at)


def field_predicate(text, resource):
    if not text:
        return None
    known = ("metadata.name", "metadata.namespace") + resource.fields
    requirements = []
    for part in text.split(","):
        match = _EQUAL.match(part)
        if not match:
            raise bad_request(f"invalid field selector: {text!r}")
        if match["key"] not in known:
            raise bad_request(f"field label not supported: {match['key']}")
        requirements.append((match["key"], match["value"], match["op"] != "!="))

    def matches(obj):
        return all(
            (field_value(obj, path) == value) == wanted for path, value, wanted in requirements
        )

    return matches


def combine(*predicates):
    active = [p for p in predicates if p is not None]
    return lambda obj: all(p(obj) for p in active)
