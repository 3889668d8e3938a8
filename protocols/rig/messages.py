"""What a host and a rig board say to each other: kinds, layouts, channels, times.

Knows the bytes. Must not know a pin, a role or a scenario. Every number is big-endian. Times are microseconds since the
start of a run, below TIME_MAX_US; a count wraps at 2**16.

| question | payload | answer, behind its result byte |
|---|---|---|
| HELLO | version | version, drivers, senses, knobs, places of queue and log, firmware hash, text of wiring |
| CLEAR | | everything off, queue, log and rows empty |
| FOLLOW | target, source, source, inverted, on delay, off delay | |
| AXIS | plus, minus, enable, start, top speed, ramp, brake | |
| LIMIT | target, closes at, opens at | |
| START | | clock |
| QUEUE | entries of (time or NOW, channel, value) | places left |
| READ | | clock, counts of lost, late and glitches, entries of (time, channel, value) |
| STATUS | | see STATUS_SIZE |
"""

from protocols.compat import const

VERSION = const(1)

HELLO = const(1)
CLEAR = const(2)
FOLLOW = const(3)
AXIS = const(4)
LIMIT = const(5)
START = const(6)
QUEUE = const(7)
READ = const(8)
STATUS = const(9)
ANSWER = const(0x80)  # added to the kind of a question

OK = const(0)
FULL = const(1)  # no place left: nothing of the question was taken
WRONG = const(2)  # the layout is wrong, a channel or time does not exist
NOT_NOW = const(3)  # rows are laid down before START, entries of NOW only after it

# Channels: what the rig drives at the device's input terminals, what it senses at its output terminals, levels that
# only rows look at, and the device's supply (0 cuts it).
DRIVER_AT = const(0)
DRIVERS = const(24)
SENSE_AT = const(32)
SENSES = const(12)
KNOB_AT = const(64)
KNOBS = const(16)
POWER = const(80)
CHANNELS = const(81)
NONE = const(255)  # no channel

# Values of an entry. FREE gives a driver back to the row that moves it.
OFF = const(0)
ON = const(1)
FREE = const(2)

TIME_MAX_US = const(0x20000000)  # nine minutes: half the range of a board's clock
NOW = const(0x3FFFFFFF)
ENTRY_SIZE = const(6)
ENTRIES_MAX = const(8)  # in one frame: what a board moves in a few milliseconds

# An axis counts its way from one end to the other as AXIS_ONE and moves every AXIS_STEP_US.
AXIS_ONE = const(0x10000000)
AXIS_STEP_US = const(5000)

# Sizes of questions, and of answers with their result byte.
FOLLOW_SIZE = const(12)
AXIS_SIZE = const(19)
LIMIT_SIZE = const(9)
HELLO_SIZE = const(18)  # before the text
HASH_AT = const(9)
HASH_SIZE = const(8)
READ_HEAD = const(11)
# result, clock, queued (2), in the log (2), late (2), latest (4), lost (2), glitches (2), bad frames (2), chain faults
# (2), longest pass of the loop (4), is running (1)
STATUS_SIZE = const(28)
