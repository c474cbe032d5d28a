"""The Python SDK: what banks, vendors and targeting tools import to talk to a gateway.

from gateway.client import Client, Following

bank = Client("https://gateway.example", "bank-9991", SigningKey.load(path))
outcome = bank.submit(tape, recipient="13", filename="返済.csv")
"""

from gateway.client.client import Client, Outcome, Refusal
from gateway.client.following import FollowedLine, Following

__all__ = ["Client", "FollowedLine", "Following", "Outcome", "Refusal"]
