"""An error in every operation of the flash, on the MicroPython VM: the store's call fails as it does on a worn chip.

Knows: what is judged, as for the ports of the host board (`nth_call.py`). Must not know: how the flash is kept.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from hil.faults.life import SECOND_US, Facts, live, provision_of, stand_for
from hil.faults.promises import broken_promises
from hil.faults.stand import SilentError, Stand
from hil.faults.vm_flash import FAILED, Flash, FlashDevice
from hil.targets.target import TargetError
from protocols.registers.barrier import REASONS_SETTINGS_ONE_COPY, REASONS_STORE_FAULT

_TOLD_BY = 1 << REASONS_STORE_FAULT | 1 << REASONS_SETTINGS_ONE_COPY
_TRUCKS = 2


class FlashErrors:
    """`judge` lets one operation fail, once or from then on. Raises BlockedError and TargetError."""

    def __init__(self, role: str, directory: Path) -> None:
        self._role = role
        self._flash = Flash(directory)
        self._flash.make(provision_of(role))
        self._first = self._flash.read()
        self.was_reached = False

    def sweep(self) -> Iterator[tuple[int, bool, list[str]]]:
        """Let operation 1, 2, 3... fail, once and from then on, until a life ends without reaching it."""
        at = 1
        while True:
            for is_lasting in (False, True):
                problems = self.judge(at, is_lasting)
                if not self.was_reached:
                    return
                yield at, is_lasting, problems
            at += 1

    def judge(self, at: int, is_lasting: bool) -> list[str]:
        """A sentence for everything that should not be, of a life in which operation `at` fails."""
        self._flash.write(self._first)
        device = FlashDevice(self._flash.directory, provision_of(self._role), at, is_lasting)
        stand, facts = stand_for(device, self._role), Facts()
        try:
            with contextlib.suppress(SilentError):
                live(stand, self._role, facts, _TRUCKS)
            self.was_reached = any(operation.kind == FAILED for _, operation in self._flash.log())
            problems = self._unsaid(stand, facts) if is_lasting and self.was_reached else []
            device.replace_flash()
            stand.restart(device.kill)
            stand.run(SECOND_US)
            return problems + broken_promises(stand, self._role, facts)
        except TargetError as error:
            return [f"an exception escaped: {error}"]
        except SilentError as error:
            return [f"after a power cut: {error}"]
        finally:
            device.close()

    def _unsaid(self, stand: Stand, facts: Facts) -> list[str]:
        is_told = bool(stand.point("reasons") & _TOLD_BY) or bool(facts.refused)
        return [] if is_told else ["the status does not say so"]
