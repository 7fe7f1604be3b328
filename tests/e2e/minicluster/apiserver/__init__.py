"""A Kubernetes API server in miniature: the real list, watch and write protocol."""

from .errors import ApiError
from .faults import Fault, Faults
from .server import ApiServer
from .store import Store

__all__ = ["ApiError", "ApiServer", "Fault", "Faults", "Store"]
