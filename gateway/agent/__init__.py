"""What runs at a small bank or vendor: hands over what is dropped into a folder, and lays the answer beside it."""

from gateway.agent.delivery import Instructions
from gateway.agent.watching import Agent, watch

__all__ = ["Agent", "Instructions", "watch"]
