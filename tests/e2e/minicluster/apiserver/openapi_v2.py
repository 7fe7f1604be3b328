"""The OpenAPI v2 document in protobuf, with the one thing that `kubectl apply` and `create` read
of it: that PATCH takes fieldValidation, so that the server and not the client checks objects.

Field numbers are gnostic's openapiv2/OpenAPIv2.proto.
"""

from .resources import RESOURCES

CONTENT_TYPE = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"


def _varint(n):
    out = bytearray()
    while n > 0x7F:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    out.append(n)
    return bytes(out)


def _field(number, value):
    data = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _query_parameter(name):
    query = _field(2, "query") + _field(4, name)  # QueryParameterSubSchema: in, name
    parameter = _field(
        2, _field(3, query)
    )  # Parameter.non_body_parameter.query_parameter_sub_schema
    return _field(8, _field(1, parameter))  # Operation.parameters[].parameter


def _operation(resource):
    yaml = f'group: "{resource.group}"\nkind: {resource.kind}\nversion: {resource.version}\n'
    extension = _field(1, "x-kubernetes-group-version-kind") + _field(2, _field(2, yaml))
    return _query_parameter("fieldValidation") + _query_parameter("dryRun") + _field(13, extension)


def document():
    paths = b""
    for r in RESOURCES:
        root = f"/apis/{r.group}/{r.version}" if r.group else f"/api/{r.version}"
        path = f"{root}/{'namespaces/{namespace}/' if r.namespaced else ''}{r.plural}/{{name}}"
        paths += _field(2, _field(1, path) + _field(2, _field(8, _operation(r))))  # PathItem.patch
    return _field(1, "2.0") + _field(8, paths)
