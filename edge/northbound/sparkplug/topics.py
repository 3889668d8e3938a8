"""Sparkplug topics: what is published and heard under which name.

Knows: the namespace of Sparkplug B. Must not know: payloads, sessions.
"""

from __future__ import annotations

from dataclasses import dataclass

NAMESPACE = "spBv1.0"
STATE = "STATE"


@dataclass(frozen=True, slots=True)
class Command:
    """A command topic, taken apart; `device` is "" for the node itself."""

    device: str


@dataclass(frozen=True, slots=True)
class NodeTopics:
    """The topics of one edge node."""

    group: str
    node: str

    def of_node(self, message: str) -> str:
        """NBIRTH, NDATA, NDEATH or NCMD of this node."""
        return f"{NAMESPACE}/{self.group}/{message}/{self.node}"

    def of_device(self, message: str, device: str) -> str:
        """DBIRTH, DDATA, DDEATH or DCMD of one of its devices."""
        return f"{NAMESPACE}/{self.group}/{message}/{self.node}/{device}"

    def command(self, topic: str) -> Command | None:
        """What a topic commands; None when it is no command to this node."""
        if topic == self.of_node("NCMD"):
            return Command("")
        before, _, device = topic.rpartition("/")
        return Command(device) if device and before == self.of_node("DCMD") else None


def state_topic(host: str) -> str:
    """Where the host application `host` tells whether it is online."""
    return f"{NAMESPACE}/{STATE}/{host}"
