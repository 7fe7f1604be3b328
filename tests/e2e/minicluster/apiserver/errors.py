"""Errors as the API server reports them: a Status object and its HTTP code."""

import time
from email.utils import formatdate


class ApiError(Exception):
    """What a request failed with; `status()` is the object that goes over the wire."""

    def __init__(
        self,
        code,
        reason,
        message,
        details=None,
        retry_after_s=None,
        continue_token=None,
        retry_after_date=False,
    ):
        super().__init__(f"{code} {reason}: {message}")
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details
        self.retry_after_s = retry_after_s
        self.continue_token = continue_token
        self.retry_after_date = retry_after_date

    def retry_after(self):
        """The value of the header Retry-After, or None."""
        if self.retry_after_s is None or not self.retry_after_date:
            return None if self.retry_after_s is None else str(self.retry_after_s)
        return formatdate(time.time() + self.retry_after_s, usegmt=True)

    def status(self):
        status = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            "code": self.code,
        }
        if self.details:
            status["details"] = dict(self.details)
        if self.retry_after_s is not None:
            status.setdefault("details", {})["retryAfterSeconds"] = self.retry_after_s
        if self.continue_token:
            status["metadata"]["continue"] = self.continue_token
        return status


def qualified(resource):
    return f"{resource.plural}.{resource.group}" if resource.group else resource.plural


def not_found(resource, name):
    return ApiError(
        404,
        "NotFound",
        f'{qualified(resource)} "{name}" not found',
        {"name": name, "group": resource.group, "kind": resource.plural},
    )


def already_exists(resource, name):
    return ApiError(
        409,
        "AlreadyExists",
        f'{qualified(resource)} "{name}" already exists',
        {"name": name, "group": resource.group, "kind": resource.plural},
    )


def conflict(resource, name):
    return ApiError(
        409,
        "Conflict",
        f'Operation cannot be fulfilled on {qualified(resource)} "{name}": the object has been '
        "modified; please apply your changes to the latest version and try again",
        {"name": name, "group": resource.group, "kind": resource.plural},
    )


def invalid(resource, name, field, why):
    return ApiError(
        422,
        "Invalid",
        f'{resource.kind} "{name}" is invalid: {field}: {why}',
        {
            "name": name,
            "group": resource.group,
            "kind": resource.kind,
            "causes": [{"reason": "FieldValueInvalid", "message": why, "field": field}],
        },
    )


def bad_request(message):
    return ApiError(400, "BadRequest", message)


def expired(message, continue_token=None):
    return ApiError(410, "Expired", message, continue_token=continue_token)


def unauthorized():
    return ApiError(401, "Unauthorized", "Unauthorized")


def unknown_path():
    return ApiError(404, "NotFound", "the server could not find the requested resource")


def method_not_allowed():
    return ApiError(
        405,
        "MethodNotAllowed",
        "the server does not allow this method on the requested resource",
    )
