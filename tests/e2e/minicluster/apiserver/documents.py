"""Objects and lists in the shape that a client accepts: whole, only metadata, or a table."""

from .table import table


def list_document(request, shape, page, metadata):
    if shape == "Table":
        return table(
            request.resource, page, metadata, request.parameter("includeObject", "Metadata")
        )
    if shape.startswith("PartialObjectMetadata"):
        return {
            "kind": "PartialObjectMetadataList",
            "apiVersion": "meta.k8s.io/v1",
            "metadata": metadata,
            "items": [_partial(o) for o in page],
        }
    items = [{k: v for k, v in o.items() if k not in ("kind", "apiVersion")} for o in page]
    return {
        "kind": request.resource.kind + "List",
        "apiVersion": request.resource.api_version,
        "metadata": metadata,
        "items": items,
    }


def object_document(request, shape, obj):
    if shape == "Table":
        return table(
            request.resource,
            [obj],
            {"resourceVersion": obj["metadata"]["resourceVersion"]},
            request.parameter("includeObject", "Metadata"),
        )
    return _partial(obj) if shape == "PartialObjectMetadata" else obj


def damaged(obj):
    """The object as no server should send it: a version, but neither a name nor a uid."""
    return {**obj, "metadata": {"resourceVersion": obj["metadata"]["resourceVersion"]}}


def _partial(obj):
    return {
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": obj["metadata"],
    }
