"""A cluster with a collector and an agent that watches it, for what is shown, recorded and measured."""

import contextlib
import os

import show
from minicluster import Cluster
from programs import Agent, Collector


@contextlib.contextmanager
def watched(name, interval="1s", agent_options=()):
    """(cluster, collector, agent), up; they are taken down, and their folder with them, at the end."""
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(show.folder(f"leadline-{name}-"))
        cluster = stack.enter_context(Cluster(name=name))
        collector = Collector(os.path.join(folder, "collector"))
        stack.callback(collector.stop)
        collector.up()
        agent = Agent(
            os.path.join(folder, "agent"),
            collector,
            cluster.name,
            cluster.node_name,
            cluster.api.url,
            interval,
            options=agent_options,
        )
        stack.callback(agent.stop)
        agent.up()
        yield cluster, collector, agent
