"""What a request asks for: its path, verb, representation and selectors."""

import urllib.parse
from dataclasses import dataclass
from typing import Optional

from . import errors
from .resources import BY_PATH, Resource
from .selectors import combine, field_predicate, label_predicate

_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


@dataclass
class Request:
    verb: str
    resource: Resource
    namespace: str
    name: Optional[str]
    subresource: Optional[str]
    query: dict
    accept: str

    def parameter(self, name, default=""):
        return self.query.get(name, [default])[-1]

    def flag(self, name):
        return self.parameter(name).lower() in ("1", "true")

    def integer(self, name):
        text = self.parameter(name)
        if not text:
            return None
        try:
            return int(text)
        except ValueError:
            raise errors.bad_request(
                f'strconv.ParseUint: parsing "{text}": invalid syntax'
            ) from None

    def predicate(self):
        """Whether an object is selected, by namespace, name, fields and labels."""
        namespace, name = self.namespace, self.name
        return combine(
            (lambda o: o["metadata"].get("namespace") == namespace) if namespace else None,
            (lambda o: o["metadata"]["name"] == name) if name else None,
            field_predicate(self.parameter("fieldSelector"), self.resource),
            label_predicate(self.parameter("labelSelector")),
        )


def parse(method, target, accept):
    """The request that the target names; raises ApiError(404) for paths that no resource has."""
    url = urllib.parse.urlsplit(target)
    query = urllib.parse.parse_qs(url.query, keep_blank_values=True)
    parts = [urllib.parse.unquote(p) for p in url.path.split("/") if p]
    if len(parts) >= 3 and parts[:2] == ["api", "v1"]:
        group, version, rest = "", "v1", parts[2:]
    elif len(parts) >= 4 and parts[0] == "apis":
        group, version, rest = parts[1], parts[2], parts[3:]
    else:
        raise errors.unknown_path()
    namespace = ""
    if rest[0] == "namespaces" and len(rest) >= 3 and rest[2] not in ("status", "finalize"):
        namespace, rest = rest[1], rest[2:]
    resource = BY_PATH.get((group, version, rest[0]))
    if resource is None or len(rest) > 3 or (namespace and not resource.namespaced):
        raise errors.unknown_path()
    name = rest[1] if len(rest) > 1 else None
    subresource = rest[2] if len(rest) > 2 else None
    if subresource is not None and subresource not in resource.subresources:
        raise errors.unknown_path()
    request = Request("", resource, namespace, name, subresource, query, accept)
    if method == "GET":
        request.verb = "watch" if request.flag("watch") else ("get" if name else "list")
    elif method in _VERBS:
        request.verb = _VERBS[method]
    else:
        raise errors.method_not_allowed()
    return request


def representation(accept):
    """ "" for whole objects, else what `as=` asks for: Table, PartialObjectMetadata, ...List."""
    if not accept:
        return ""
    for item in accept.split(","):
        media, *parameters = [p.strip() for p in item.split(";")]
        if media not in ("application/json", "*/*", "application/*"):
            continue
        values = dict(p.split("=", 1) for p in parameters if "=" in p)
        wanted = values.get("as", "")
        if not wanted:
            return ""
        if values.get("g") == "meta.k8s.io" and values.get("v") == "v1":
            return wanted
    raise errors.ApiError(
        406, "NotAcceptable", "only the following media types are accepted: application/json"
    )
