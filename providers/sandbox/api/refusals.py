"""How a simulated cloud refuses a call."""

from __future__ import annotations


class Refused(Exception):
    """An answer in place of the wanted one: the HTTP status, the cloud's code and its sentence."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code
        self.message = message
