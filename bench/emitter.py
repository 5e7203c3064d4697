"""`python emitter.py PER_SECOND`: an app-server whose one turn is an even stream of events.

It speaks as much of the protocol as a supervisor needs to get there. What it sends is what a turn
mostly consists of: seven pieces of text or output, an item that begins, one that ends, and a count
of tokens, over and over. It ends when its input does.
"""

from __future__ import annotations

import itertools
import json
import os
import sys
import threading
import time
from collections.abc import Iterator

_THREAD, _TURN = "thread-bench", "turn-1"


def main(per_second: float) -> None:
    """Answer until the turn is asked for, then stream for ever."""
    for line in sys.stdin:
        message = json.loads(line)
        method, number = message.get("method"), message.get("id")
        if method == "initialize":
            _say({"id": number, "result": {"userAgent": "bench/0.169.0 (x)", "codexHome": "/home"}})
        elif method == "thread/start":
            _say({"id": number, "result": {"thread": {"id": _THREAD}}})
        elif method == "turn/start":
            _say({"id": number, "result": {"turn": {"id": _TURN}}})
            break
    threading.Thread(target=_end_with_input, daemon=True).start()
    _tell("turn/started", turn={"id": _TURN})
    _tell("item/completed", item={"type": "userMessage", "id": "u"})
    due = time.monotonic()
    for method, params in _events():
        _tell(method, **params)
        due += 1 / per_second
        time.sleep(max(0.0, due - time.monotonic()))


def _events() -> Iterator[tuple[str, dict[str, object]]]:
    for number in itertools.count(1):
        command: dict[str, object] = {
            "type": "commandExecution",
            "id": f"call_{number}",
            "command": "python3 -m unittest -q",
            "cwd": "/workspace",
            "status": "inProgress",
        }
        yield "item/started", {"item": command, "turnId": _TURN}
        for _ in range(3):
            delta: dict[str, object] = {
                "itemId": command["id"],
                "delta": "ok: another line of output\n" * 4,
            }
            yield "item/commandExecution/outputDelta", delta
        done = {**command, "status": "completed", "exitCode": 0, "aggregatedOutput": "ok\n" * 600}
        yield "item/completed", {"item": done, "turnId": _TURN}
        for _ in range(4):
            yield "item/agentMessage/delta", {"itemId": f"msg_{number}", "delta": "a few words "}
        total = {"inputTokens": 900 * number, "cachedInputTokens": 700 * number}
        total |= {"outputTokens": 50 * number, "totalTokens": 950 * number}
        yield "thread/tokenUsage/updated", {"tokenUsage": {"total": total}, "turnId": _TURN}


def _say(message: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def _tell(method: str, **params: object) -> None:
    _say({"method": method, "params": {"threadId": _THREAD, **params}})


def _end_with_input() -> None:
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main(float(sys.argv[1]))
