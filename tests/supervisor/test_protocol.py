from __future__ import annotations

import json
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from symphony_cli.supervisor import protocol
from symphony_cli.supervisor.protocol import (
    Delta,
    Lines,
    Noise,
    Notice,
    Overlong,
    Refusal,
    Reply,
    Request,
    parse,
)

STREAM = (
    b'{"id":1,"result":{"userAgent":"x/0.169.0 (y)"}}\n'
    b"Welcome to this machine!\r\n"
    b"\n"
    b'{"method":"item/agentMessage/delta","params":{"threadId":"t","delta":"h\xc3\xa9"}}\n'
    b'{"method":"turn/started","params":{"threadId":"t"},"emittedAtMs":1}\n'
    b'{"method":"item/tool/call","id":0,"params":{"tool":"x"}}\n'
    b'{"id":"a","error":{"code":-32602,"message":"no","data":{"input_error_code":"big"}}}\n'
    b'[1,2]\n{"unfinished":'
)

MESSAGES = [
    Reply(1, {"userAgent": "x/0.169.0 (y)"}),
    Noise("Welcome to this machine!\r", 25),
    Delta("item/agentMessage/delta"),
    Notice("turn/started", {"threadId": "t"}),
    Request(0, "item/tool/call", {"tool": "x"}),
    Refusal("a", -32602, "no", "big"),
    Noise("[1,2]", 5),
]


def read(chunks: list[bytes], longest: int = protocol.LONGEST_LINE) -> list[protocol.Message]:
    lines = Lines(longest)
    return [parse(line) for chunk in chunks for line in lines.feed(chunk)]


def test_every_kind_of_line_becomes_its_message() -> None:
    assert read([STREAM]) == MESSAGES


def test_bytes_that_come_one_by_one_make_the_same_messages() -> None:
    assert read([bytes([byte]) for byte in STREAM]) == MESSAGES


@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_messages_do_not_depend_on_how_the_bytes_are_cut(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(STREAM)]
    chunks = [STREAM[a:b] for a, b in pairwise(edges)]
    assert read(chunks) == MESSAGES


@given(st.lists(st.integers(0, 60), max_size=8))
def test_an_overlong_line_is_dropped_and_noted_however_it_comes(cuts: list[int]) -> None:
    stream = b"x" * 50 + b'\n{"method":"m"}\n'
    edges = [0, *sorted(cuts), len(stream)]
    chunks = [stream[a:b] for a, b in pairwise(edges)]
    assert read(chunks, longest=20) == [Noise("", 50), Notice("m", {})]


def test_a_line_of_several_megabytes_is_an_ordinary_line() -> None:
    line = json.dumps({"method": "item/completed", "params": {"text": "x" * 3_300_000}})
    chunks = [line.encode()[i : i + 65536] for i in range(0, len(line), 65536)]
    (message,) = read([*chunks, b"\n"])
    assert isinstance(message, Notice) and len(message.params["text"]) == 3_300_000


def test_a_delta_is_known_by_its_beginning_and_never_decoded() -> None:
    assert parse(b'{"method":"item/commandExecution/outputDelta","params":{broken') == Delta(
        "item/commandExecution/outputDelta"
    )


def test_a_line_nested_too_deeply_is_noise() -> None:
    line = b'{"method":' + b"[" * 200_000
    assert parse(line) == Noise(line[:200].decode(), len(line))


def test_a_dropped_line_tells_only_its_size() -> None:
    assert parse(Overlong(40_000_000)) == Noise("", 40_000_000)


def test_our_messages_are_single_lines_without_a_jsonrpc_member() -> None:
    assert [
        protocol.request(7, "turn/start", {"text": "a\nb"}),
        protocol.notification("initialized"),
        protocol.reply(0, {}),
        protocol.refusal("x", -32601, "no"),
    ] == [
        b'{"id":7,"method":"turn/start","params":{"text":"a\\nb"}}\n',
        b'{"method":"initialized"}\n',
        b'{"id":0,"result":{}}\n',
        b'{"id":"x","error":{"code":-32601,"message":"no"}}\n',
    ]


@given(st.text())
def test_a_delta_names_the_turn_that_it_belongs_to_whatever_its_text_is(said: str) -> None:
    params = {"threadId": "t", "turnId": "turn-7", "itemId": "i", "delta": said}
    line = json.dumps({"method": "item/x/outputDelta", "params": params})
    assert parse(line.encode()) == Delta("item/x/outputDelta", "turn-7")


def test_a_text_that_looks_like_the_name_of_a_turn_is_none() -> None:
    params = {"threadId": "t", "delta": '"turnId":"forged"'}
    line = json.dumps({"method": "item/x/delta", "params": params})
    assert parse(line.encode()) == Delta("item/x/delta", "")
