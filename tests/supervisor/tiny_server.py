"""A few lines that speak the protocol well enough for the pipes to be real.

`python tiny_server.py MODE`, where MODE says what a turn does:
    work    says one thing, counts some tokens, and completes
    tool    calls a tool first, and repeats its answer as its message
    hang    never completes a turn and ignores interrupts
    deaf    the same, and ignores the end of its input and SIGTERM
    crash   writes to its error output and dies in the middle of a turn
    noise   never speaks the protocol
"""

import json
import os
import signal
import sys
import time

MODE = sys.argv[1]


def say(message: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def told(method: str, **params: object) -> None:
    say({"method": method, "params": {"threadId": "thread-1", **params}})


def finish(text: str) -> None:
    item = {"type": "agentMessage", "id": "m", "text": text}
    told("item/completed", item=item)
    total = {"inputTokens": 100, "outputTokens": 10}
    told("thread/tokenUsage/updated", tokenUsage={"total": total})
    told("turn/completed", turn={"id": "turn-1", "status": "completed"})


def turn(number: object) -> None:
    say({"id": number, "result": {"turn": {"id": "turn-1"}}})
    told("turn/started", turn={"id": "turn-1"})
    told("item/completed", item={"type": "userMessage", "id": "u"})
    if MODE == "work":
        finish("MARK=" + os.environ.get("SYMPHONY_RUN", "") + os.environ.get("TRACKER_KEY", ""))
    if MODE == "tool":
        say({"id": 0, "method": "item/tool/call", "params": {"tool": "issue_update"}})
    if MODE == "crash":
        sys.stderr.write("I am broken, key=very-secret-value\n")
        sys.stderr.flush()
        os._exit(101)


if MODE == "deaf":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("Welcome, this is a banner." + "x" * 100_000, flush=True)
for line in sys.stdin:
    message = json.loads(line)
    method, number = message.get("method"), message.get("id")
    if MODE == "noise":
        print("what?", flush=True)
    elif method == "initialize":
        say({"id": number, "result": {"userAgent": "tiny/1.2.3 (x)", "codexHome": "/home"}})
    elif method == "thread/start":
        say({"id": number, "result": {"thread": {"id": "thread-1"}}})
    elif method == "turn/start":
        turn(number)
    elif method == "thread/backgroundTerminals/clean":
        say({"id": number, "result": {}})
    elif "result" in message:
        finish(message["result"]["contentItems"][0]["text"])
while MODE == "deaf":
    time.sleep(0.1)
