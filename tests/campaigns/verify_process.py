"""A verification in a process of its own, which can be killed: `python -m tests.campaigns.verify_process < ORDER`.

The order is one line of JSON: `ports` [source, target], `databases`, `state` (a path), `rate` (MiB/s), `budget_s`. Each
line of its output is a JSON list: ["progress", state, bytes_read, bytes_all], ["outcome", ...] or ["failed", words]. A
line on its standard input asks it to come to an end.
"""

from __future__ import annotations

import contextlib
import json
import sys
import threading
from pathlib import Path
from typing import Any

from migration.verify.model import Request
from migration.verify.verification import Verification
from providers.mysql.endpoint import Endpoint
from providers.mysql.errors import ServerError
from providers.sandbox import passwords

_TELL_S = 0.01


def _say(lock: threading.Lock, *words: Any) -> None:
    with lock:
        sys.stdout.write(json.dumps(words) + "\n")
        sys.stdout.flush()


def _tell(verification: Verification, lock: threading.Lock, over: threading.Event) -> None:
    while not over.wait(_TELL_S):
        progress = verification.progress()
        _say(lock, "progress", progress.state.value, progress.bytes_read, progress.bytes_all)


def main() -> int:
    order = json.loads(sys.stdin.readline())
    account = passwords.load().administrator
    source, target = (
        Endpoint(name, "127.0.0.1", port, account)
        for name, port in zip(("source", "target"), order["ports"], strict=True)
    )
    request = Request(tuple(order["databases"]), rate_mib_s=order["rate"])
    lock, over = threading.Lock(), threading.Event()
    verification = Verification(source, target, request, state=Path(order["state"]))
    try:
        with contextlib.closing(verification):
            verification.start()
            teller = threading.Thread(target=_tell, args=(verification, lock, over), daemon=True)
            teller.start()
            sys.stdin.readline()
            outcome = verification.finish(order["budget_s"])
            over.set()
            teller.join()
            _say(lock, "outcome", outcome.to_json())
    except ServerError as error:
        over.set()
        _say(lock, "failed", str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
