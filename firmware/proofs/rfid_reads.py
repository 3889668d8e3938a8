"""What is proven of the RFID reader's reads and of its line: properties with their clauses.

Host only; never deployed. Knows what was seen and what stands in the read list. Must not know how the search works.
"""

from __future__ import annotations

from firmware.control.rfid_memory import TAG_COUNT, TIMER_READ_OK
from firmware.control.rfid_reads import CAPACITY
from firmware.proofs.lazy_timers import DONE, RUNNING
from firmware.proofs.rfid_frames_subject import CARD, EPC, Frames
from firmware.proofs.rfid_reads_subject import ABSENT, MASK, TAG, WEAK_DBM, Reads
from hil.explore.explicit import Check
from protocols.registers import rfid as reg

# The reads.


def _is_numbered(scan: Reads) -> bool:
    """Each number once, in its slot, with a tag that was seen; the other slots are as they were."""
    seen = scan.link.sightings
    ids = {bytes(seen.table.data[16 * place : 16 * place + seen.table.sizes[place]]) for place in range(seen.count)}
    changed = set(range(CAPACITY))
    for number in range(scan.new_reads()):
        sequence = (scan.head + 1 + number) & MASK
        slot = scan.slot(sequence)
        if slot[0] != sequence or slot[9] not in ids:
            return False
        changed.discard((sequence - 1) % CAPACITY)
    return all(scan.slots[32 * n : 32 * n + 32] == scan.slots_before[32 * n : 32 * n + 32] for n in changed)


def _is_conserved(scan: Reads) -> bool:
    seen = scan.link.sightings
    found = scan.new_reads() + sum(scan.grown(name) for name in ("duplicates", "weak_reads", "gated_reads"))
    return bool(found == seen.count + seen.repeats)


def _counts(scan: Reads) -> bool:
    """What was seen may be read now."""
    return bool(scan.way["reading"]) and scan.way.get("rssi") != WEAK_DBM


def _is_gated(scan: Reads) -> bool:
    return _counts(scan) or scan.new_reads() == 0


def _is_suppressed(scan: Reads) -> bool:
    """Sixteen strangers before the tag may have taken its place, and only they."""
    pattern = scan.way["seen"]
    for antenna, letter in ((1, "t"), (2, "T")):
        strangers = sum(other not in "tTk" for other in pattern[: max(0, pattern.find(letter))])
        if letter in pattern and scan.was_in_window(antenna) and not strangers and scan.reads_of_tag(antenna):
            return False
    return True


def _is_reported(scan: Reads) -> bool:
    """Exactly once per sighting beyond the window, never twice."""
    for antenna, letter in ((1, "t"), (2, "T")):
        reads = scan.reads_of_tag(antenna)
        wanted = _counts(scan) and letter in scan.way["seen"] and not scan.was_in_window(antenna)
        if reads > 1 or (wanted and reads != 1) or (reads and letter not in scan.way["seen"]):
            return False
    return True


def _is_remembered(scan: Reads) -> bool:
    """A tag within its window leaves the table only for a stranger, when all windows run."""
    if scan.way.get(f"setting{reg.SET_DUPLICATE_MS}") == 0:
        return True  # every window is over at once
    return not _has_left(scan) or scan.way.get("others") == "run" or len(scan.way["seen"]) > TAG_COUNT - 3


def _has_left(scan: Reads) -> bool:
    after = scan.state()
    return any(scan.was_in_window(antenna) and after[len(scan.names) + antenna - 1] == ABSENT for antenna in (1, 2))


def _window_renews(scan: Reads) -> bool:
    """What is seen and counts is remembered from now on; a window of 0 ms is over at once."""
    after = scan.state()
    last = scan.way["seen"][-1:]
    if not last or last not in "tT" or not _counts(scan):
        return True
    wanted = DONE if scan.way.get(f"setting{reg.SET_DUPLICATE_MS}") == 0 else RUNNING
    return bool(after[len(scan.names) + (1 if last == "T" else 0)] == wanted)


def _loss_is_counted(scan: Reads) -> bool:
    """Without a hub: reads beyond those the list holds. With one: only what the link could not hold."""
    lost = scan.link.sightings.lost if scan.way["reading"] else 0
    if not scan.way["hub"]:
        before = scan.way.get("orphans", scan.before["orphans"])
        lost += max(0, before + scan.new_reads() - CAPACITY)
    told = bool(int(scan.core.status[reg.ST_FAULTS]) & 1 << reg.FAULTS_READS_LOST)
    return scan.grown("reads_lost") == lost and (told or not lost)


def _direction_is_seen(scan: Reads) -> bool:
    """IN and OUT need this tag within its window at the other antenna."""
    for number in range(scan.new_reads()):
        slot = scan.slot((scan.head + 1 + number) & MASK)
        antenna, direction = slot[3], slot[4]
        if direction == reg.DIRECTION_UNKNOWN:
            continue
        if slot[9] != bytes(TAG.data[:12]) or direction != (reg.DIRECTION_IN if antenna == 2 else reg.DIRECTION_OUT):
            return False
        other = 3 - antenna
        if not scan.was_in_window(other) and ("t" if other == 1 else "T") not in scan.way["seen"]:
            return False
    return True


def _lamps_mean_a_read(scan: Reads) -> bool:
    is_lit = scan.core.outputs[reg.OUT_READ_OK]
    return not is_lit or scan.new_reads() > 0 or scan.before[f"timer{TIMER_READ_OK}"] == RUNNING


READS = [
    Check("numbered-once", "Every read gets the next number, stands in the slot of it with a tag that was seen, and touches no other slot "
          "(role page: The read list).", _is_numbered),
    Check("counted-once", "Every sighting is a read, a duplicate, weak or gated: exactly one of these.", _is_conserved),
    Check("gated", "Nothing is reported that came while nothing was to be read, or that is weaker than min_rssi_dbm.", _is_gated),
    Check("duplicates-suppressed", "A tag seen at the same antenna within its window is not reported again, unless strangers have taken its "
          "place since.", _is_suppressed),
    Check("reported-beyond", "A tag seen beyond its window, or for the first time, is reported, once.", _is_reported),
    Check("window-kept", "A tag within its window leaves the table only when sixteen other windows run.", _is_remembered),
    Check("window-renews", "The window begins anew with each sighting that counts.", _window_renews),
    Check("loss-counted", "What is overwritten without a hub, and what the link could not hold, is counted in reads_lost and told as "
          "READS_LOST in the same scan, exactly.", _loss_is_counted),
    Check("direction-seen", "With two antennas IN and OUT are told only of a tag that was seen at the other one within its window.",
          _direction_is_seen),
    Check("read-ok-means-a-read", "READ_OK is on only for its time after a read.", _lamps_mean_a_read),
]  # fmt: skip


# The line.


def _no_false_read(scan: Frames) -> bool:
    sent = CARD if scan.damage.protocol == "wiegand" else EPC
    return all(each == sent for each in scan.reads) and len(scan.reads) <= 1


def _good_is_read(scan: Frames) -> bool:
    damage = scan.damage
    whole = not damage.bits and damage.lost < 0 and damage.twice < 0 and damage.cut < 0
    return not whole or len(scan.reads) == 1


FRAMES = [
    Check("damage-never-read", "A frame with one wrong bit, of the two serial families also with two or a burst of 16, with a byte lost or "
          "doubled, or cut off, brings no other identifier into the list (CRC of tag and frame, parity).", _no_false_read),
    Check("good-frame-read", "The whole frame is read.", _good_is_read),
]  # fmt: skip
