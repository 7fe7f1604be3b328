"""One node of real containers as pods, with a Kubernetes API of its own; see README.md."""

from .cluster import Cluster, Timeout, wait_for

__all__ = ["Cluster", "Timeout", "wait_for"]
