"""Target `host`: the device application in CPython, in this process, on the host board.

Knows: the host board. Must not know: scenarios, the field.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from firmware.boards.host import ProvisionError, build_device, store_settings
from hil.targets.target import Device, Provision, StepResult, Target, TargetError
from protocols.compat import TICKS_MASK


class HostDevice(Device):
    def __init__(self, provision: Provision, directory: Path) -> None:
        self._provision = provision
        self._directory = directory
        store_settings(provision.role, dict(provision.parameters), directory)
        self._start()

    def _start(self) -> None:
        provision = self._provision
        try:
            self._board, self._device = build_device(provision.role, provision.settings(), self._directory)
        except ProvisionError as error:
            raise TargetError(str(error)) from error

    def step(
        self,
        now_us: int,
        inputs: Sequence[int],
        qualities: Sequence[int],
        received: bytes,
        field_received: bytes = b"",
    ) -> StepResult:
        board = self._board
        board.inputs[:] = inputs
        board.quality[:] = qualities
        board.rx.extend(received)
        board.instrument.rx.extend(field_received)
        wait_us = self._device.poll(now_us // 1000 & TICKS_MASK, now_us & TICKS_MASK)
        sent = bytes(board.tx)
        board.tx.clear()
        field_sent = bytes(board.instrument.tx)
        board.instrument.tx.clear()
        return StepResult(tuple(board.outputs), sent, wait_us, field_sent)

    def kill(self) -> None:
        self._start()

    def close(self) -> None:
        """Nothing is held."""


class HostTarget(Target):
    name = "host"

    def start(self, provision: Provision, directory: Path) -> Device:
        return HostDevice(provision, directory)
