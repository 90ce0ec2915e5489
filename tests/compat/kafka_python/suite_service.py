"""What kafka-python's integration suite takes from a module of its repository that its package does not hold.

It is put into the suite as `test/service.py`. A broker that the suite did not start is there already.
"""


class ExternalService:
    """A broker that somebody else starts and stops."""

    def __init__(self, host: str, port: int) -> None:
        self.host = host
        self.port = port

    def open(self) -> None:
        """Nothing: it runs."""

    def stop(self) -> None:
        """Nothing: its owner stops it."""

    def dump_logs(self) -> None:
        """Nothing: its owner has them."""


class SpawnedService:
    """A broker that the suite would start; it is told of one, so it starts none."""
