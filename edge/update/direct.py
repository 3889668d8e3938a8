"""An update without a hub: a technician's laptop on the line of one device, the same machine behind it.

Knows: the device at the other end (edge/service/device_access.py). Must not know: sites, lanes, printing. Nobody is
told but the person who does it, and no lane is closed: that is the technician's to do.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable
from typing import Any

from edge.cli_common import EXIT_BAD_INPUT, EXIT_FAILED, EXIT_NOBODY, reason_of
from edge.service.device_access import Command as DeviceCommand
from edge.service.device_access import Device, DeviceError
from edge.service.places import UNIT_ID_MAX_TCP, PlaceError, is_serial
from edge.service.reach import key_in, reach
from edge.service.serial_port import PortError
from edge.southbound.command_exchange import ReadRequest, WriteRequest
from edge.southbound.role_map import ROLE_MAPS
from edge.update.bundle import Bundle
from edge.update.device import DeviceRegisters, data_size, now_ms, run_update
from edge.update.manifest import version_text
from edge.update.steps import Command, DeviceUpdate
from edge.words import tr

_TIMEOUT_MS = 500


class DirectError(Exception):
    """The device cannot be updated this way; the text says why, `code` is the exit code."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


class _Port:
    """See DevicePort; asks and waits, since there is nothing else to do."""

    def __init__(self, device: Device, key: bytes) -> None:
        self._device = device
        self._key = key

    async def transfer(self, request: ReadRequest | WriteRequest) -> bytes:
        return self._device.transfer(request)

    async def command(self, opcode: str, argument: int, deadline_ms: int) -> tuple[bool, str]:
        word = self._device.command(DeviceCommand(opcode, argument=argument), self._key)
        return not word, word


def update_directly(
    bundle: Bundle,
    arguments: argparse.Namespace,
    allow_older: int | None,
    *,
    on_step: Callable[[str, int], None],
) -> dict[str, Any]:
    """Verdict, reason and values of the device at `arguments.port`; `on_step(phase, permille)`. Raises DirectError."""
    try:
        if not 0 <= arguments.unit <= UNIT_ID_MAX_TCP:
            most = UNIT_ID_MAX_TCP
            raise PlaceError(tr("--unit is {unit}; 0 to {most} are possible", unit=arguments.unit, most=most))
        key = key_in(arguments.key_file)
        baud = arguments.baud if is_serial(arguments.port) else 0
        with reach(arguments.port, arguments.baud, arguments.parity, _TIMEOUT_MS) as asker:
            device = Device(asker, arguments.unit, _TIMEOUT_MS / 1000, is_any_version=True)
            return asyncio.run(_run(device, key, bundle, allow_older, data_size(baud), on_step))
    except PlaceError as error:
        raise DirectError(EXIT_BAD_INPUT, str(error)) from None
    except DeviceError as error:
        code = EXIT_FAILED if error.is_there else EXIT_NOBODY
        raise DirectError(code, f"{arguments.port}: {error}") from None
    except PortError as error:
        raise DirectError(EXIT_FAILED, str(error)) from None
    except OSError as error:
        where, reason = arguments.port, reason_of(error)
        sentence = tr("{where}: {reason}; check address, port and cable", where=where, reason=reason)
        raise DirectError(EXIT_NOBODY, sentence) from None


async def _run(
    device: Device,
    key: bytes,
    bundle: Bundle,
    allow_older: int | None,
    size: int,
    on_step: Callable[[str, int], None],
) -> dict[str, Any]:
    update = DeviceUpdate(
        len(bundle.data), bundle.ends, bundle.version, now_ms=now_ms(), allow_older=allow_older, data_size=size
    )

    async def before_command(command: Command) -> None:
        """Nothing is written down anywhere."""

    await run_update(
        update,
        bundle,
        _Port(device, key),
        DeviceRegisters(ROLE_MAPS[device.who.role]),
        before_command=before_command,
        on_step=lambda: on_step(update.phase, update.permille),
    )
    assert update.verdict is not None
    running = version_text(update.version_before) if update.version_before >= 0 else "?"
    values = {"version": version_text(bundle.version), "running": running, "detail": update.detail}
    return {"verdict": str(update.verdict), "reason": update.reason, "values": values}
