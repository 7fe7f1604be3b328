"""Faults over HTTP, for those who cannot call Faults: other processes and languages.

    GET    /emulator/faults   what is set, what has fired, how many requests came
    POST   /emulator/faults   {"action": "status", "code": 503, "times": 3}: the fields of Fault
    DELETE /emulator/faults   sets nothing any more

Requests to it meet no faults and are not counted.
"""

from dataclasses import asdict

from . import errors

PATH = "/emulator/faults"


def answer(faults, method, body):
    """The status and the document for a request to PATH."""
    if method == "GET":
        return 200, {
            "faults": [asdict(fault) for fault in faults.pending()],
            "fired": dict(faults.fired),
            "requests": faults.requests(),
        }
    if method == "DELETE":
        faults.clear()
        return 200, {}
    if method != "POST":
        raise errors.method_not_allowed()
    try:
        return 201, asdict(faults.add(**body))
    except (TypeError, ValueError) as e:
        raise errors.bad_request(f"no fault: {e}") from None
