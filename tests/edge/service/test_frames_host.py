"""Frames of a conversation that is only heard, whatever the chunks in which it comes."""

import random
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from edge.service.frames import FrameFinder, Kind
from protocols.crc import crc16


def _sealed(*body: int) -> bytes:
    crc = crc16(bytes(body), 0, len(body))
    return bytes([*body, crc & 0xFF, crc >> 8])


ASK = _sealed(7, 4, 0, 0, 0, 2)
ANSWER = _sealed(7, 4, 4, 0, 1, 0, 2)
WRITE = _sealed(7, 16, 0, 0, 0, 1, 2, 0, 5)
ECHO = _sealed(7, 16, 0, 0, 0, 1)
COIL = _sealed(7, 5, 0, 1, 0xFF, 0)  # request and answer are the same bytes
REFUSAL = _sealed(7, 0x84, 2)
WHO = _sealed(7, 43, 14, 1, 0)
NAME = _sealed(7, 43, 14, 1, 1, 0, 0, 1, 0, 4, *b"gate")
TALK = (ASK, ANSWER, WRITE, ECHO, COIL, COIL, ASK, REFUSAL, WHO, NAME, ASK, ANSWER)
KINDS = [Kind.REQUEST, Kind.RESPONSE] * 6


def _hear(chunks: list[bytes]) -> list[tuple[Kind, bytes]]:
    finder = FrameFinder()
    frames = [frame for now, chunk in enumerate(chunks) for frame in finder.take(now, chunk)]
    return [(frame.kind, frame.data) for frame in [*frames, *finder.end()]]


@given(st.lists(st.integers(1, sum(map(len, TALK)) - 1), max_size=12))
def test_the_same_frames_are_found_however_the_bytes_are_cut(cuts: list[int]) -> None:
    whole = b"".join(TALK)
    edges = [0, *sorted(set(cuts)), len(whole)]
    heard = _hear([whole[a:b] for a, b in pairwise(edges)])
    assert heard == list(zip(KINDS, TALK, strict=True))


@given(st.integers(0, 2**32))
def test_what_comes_behind_garbage_is_found_without_a_silence(seed: int) -> None:
    garbage = random.Random(seed).randbytes(9)
    finder = FrameFinder()
    frames = finder.take(0, garbage + (ASK + ANSWER) * 16)
    found = b"".join(frame.data for frame in [*frames, *finder.end()])
    assert found == garbage + (ASK + ANSWER) * 16
    assert [frame.data for frame in frames[-4:]] == [ASK, ANSWER, ASK, ANSWER]


def test_a_frame_cut_off_is_broken_and_ends_with_the_silence() -> None:
    assert _hear([ASK + ANSWER[:-1]]) == [(Kind.REQUEST, ASK), (Kind.BROKEN, ANSWER[:-1])]


def test_times_are_those_of_the_chunks_with_the_first_and_the_last_byte() -> None:
    finder = FrameFinder()
    assert finder.take(100, ASK[:3]) == []
    (frame,) = finder.take(900, ASK[3:])
    assert (frame.begin_us, frame.end_us) == (100, 900)


def test_a_request_said_again_is_no_answer() -> None:
    again = _sealed(7, 4, 3, 0x84, 0, 1)  # as an answer it would have three bytes of data, and its CRC would be right
    assert _hear([ASK + again]) == [(Kind.REQUEST, ASK), (Kind.REQUEST, again)]
