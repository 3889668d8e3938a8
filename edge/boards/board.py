"""A board whose REPL answers: what it is, its files, the hashes of what its flash holds.

Knows: the small programs that run there. Must not know: what a file set is. Every program is short, so that nothing on
the board waits for long; a watchdog that somebody else's program started is kept from ending the work.
"""

from __future__ import annotations

import ast
import binascii
import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from edge.boards.entry import enter
from edge.boards.files import BoardError
from edge.boards.plan import Held
from edge.boards.repl import ProgramError, Repl
from edge.boards.usb import SerialWire
from edge.words import tr

# Files that keep the control from starting, with whose it is: ours goes when the work is done.
MAINTENANCE_FILE = "maintenance"
_HOLD = b"gate flash\n"
OWN_HOLDS = (_HOLD, b"asked for on the console\n")

_CHUNK_SIZE = 2048
_TREE_TIMEOUT_S = 60.0
_NO_SPACE = ("OSError: 28", "ENOSPC")  # as a port without names of errors says it, and with them
_MICROCONTROLLERS = ("rp2", "esp32")

# RP2040 datasheet 4.7.6 and 2.1.2: CTRL of the watchdog, its bit ENABLE, written through the address that clears bits.
# An ESP32 cannot stop its own; it is given ten minutes, and the reset at the end starts without.
_STILL = """
import sys
_m = getattr(sys.implementation, '_machine', '')
if 'RP2040' in _m:
 import machine
 machine.mem32[0x4005B000] = 1 << 30
elif sys.platform == 'esp32':
 import machine
 machine.WDT(timeout=600000)
print(repr(sys.platform))
"""
_DESCRIBE = """
import sys, os
_i = sys.implementation
_u = _n = ''
try:
 import machine
 _u = machine.unique_id().hex()
except (ImportError, AttributeError):
 pass
try:
 import network
 _n = 'radio' if hasattr(network, 'WLAN') else ''
except ImportError:
 pass
_s = os.statvfs('/')
print(repr((sys.platform, getattr(_i, '_machine', ''), getattr(_i, '_mpy', 0), tuple(_i.version[:3]), _u, _n,
 _s[0] * _s[3], _s[0] * _s[2])))
"""
_HELPERS = """
import os, hashlib, binascii
_b = bytearray(1024)
_v = memoryview(_b)
def _sha(p):
 h = hashlib.sha256()
 with open(p, 'rb') as f:
  n = f.readinto(_b)
  while n:
   h.update(_v[:n])
   n = f.readinto(_b)
 return binascii.hexlify(h.digest()).decode()
def _tree(top):
 todo = list(top)
 while todo:
  p = todo.pop()
  try:
   s = os.stat(p)
  except OSError:
   continue
  if s[0] & 0x4000:
   print('folder', 0, '-', p)
   todo += [p + '/' + e[0] for e in os.ilistdir(p)]
  else:
   print('file', s[6], _sha(p), p)
def _folders(p):
 parts = p.split('/')[:-1]
 for i in range(len(parts)):
  try:
   os.mkdir('/'.join(parts[:i + 1]))
  except OSError as e:
   if e.errno != 17:
    raise
def _put(d):
 _f.write(binascii.a2b_base64(d))
def _done(p, sha):
 _f.close()
 if _sha(p + '.new') != sha:
  print('differs')
 else:
  os.rename(p + '.new', p)
def _drop(p):
 try:
  os.remove(p)
 except OSError as e:
  if e.errno != 2:
   raise
"""
_RESET = """
try:
 import machine
 machine.reset()
except (ImportError, AttributeError):
 raise SystemExit
"""


@dataclass(frozen=True, slots=True)
class BoardKind:
    """What MicroPython says of itself. `mpy` is what its .mpy files must be; sizes in bytes."""

    platform: str
    machine: str
    mpy: int
    version: tuple[int, ...]
    chip_serial: str
    has_radio: bool
    free: int
    size: int

    @property
    def described(self) -> str:
        """`MicroPython 1.28.0 on Raspberry Pi Pico with RP2040`."""
        return f"MicroPython {'.'.join(map(str, self.version))} on {self.machine or self.platform}"


class Board:
    """A board in its REPL; implements `BoardFiles`. Everything raises BoardError."""

    def __init__(self, repl: Repl, *, is_started_anew: bool = True) -> None:
        """Starts the interpreter anew where that is possible: the heap is empty then, and all files are read again."""
        self.where = repl.wire.name
        self._repl = repl
        if is_started_anew:
            self.restart()
        else:
            repl.run(_HELPERS)
        self.kind = self._describe()

    def restart(self) -> None:
        """Start the interpreter anew and mount the files anew: what is read afterwards comes from the flash."""
        platform = ast.literal_eval(self._repl.run(_STILL))
        if platform in _MICROCONTROLLERS:  # on the unix port it would end the process
            self._repl.soft_reset()
            self._repl.run(_STILL)  # its boot.py may have started the watchdog again
        self._repl.run(_HELPERS)

    def tree(self, tops: Sequence[str]) -> tuple[dict[str, Held], list[str]]:
        """Every file at and below `tops` with its hash, computed there in one go; and every folder."""
        files: dict[str, Held] = {}
        folders: list[str] = []
        for line in self._repl.run(f"_tree({list(tops)!r})", _TREE_TIMEOUT_S).splitlines():
            kind, size, sha256, path = line.split(" ", 3)
            if kind == "file":
                files[path] = Held(int(size), sha256)
            else:
                folders.append(path)
        return files, folders

    def read(self, path: str) -> bytes | None:
        """The file's bytes, None when there is no such file."""
        code = f"""
try:
 with open({path!r}, 'rb') as f:
  d = f.read({_CHUNK_SIZE})
  while d:
   print(binascii.b2a_base64(d).decode(), end='')
   d = f.read({_CHUNK_SIZE})
 print('whole')
except OSError:
 print('absent')
"""
        *lines, ending = self._repl.run(code, _TREE_TIMEOUT_S).splitlines()
        return b"".join(map(binascii.a2b_base64, lines)) if ending == "whole" else None

    def replace(self, path: str, data: bytes) -> None:
        """Write PATH.new, have its hash computed from the file there, rename it."""
        self.write(path, data, lambda done: None)

    def write(self, path: str, data: bytes, tell: Callable[[int], None]) -> None:
        """As `replace`; `tell` is told how many bytes are there."""
        try:
            said = ""
            for code, done in _write_steps(path, data):
                said = self._repl.run(code)
                tell(done)
        except ProgramError as error:
            raise self._write_error(path, error) from error
        if said.strip():
            raise BoardError(
                tr("{port}: {path} reads back differently: the flash is worn or damaged", port=self.where, path=path)
            )

    def flash_digest(self, address: int, size: int) -> str:
        """SHA-256 of the chip's own flash, as the processor reads it."""
        code = f"""
import uctypes
print(binascii.hexlify(hashlib.sha256(uctypes.bytearray_at({address}, {size})).digest()).decode())
"""
        return self._repl.run(code, _TREE_TIMEOUT_S).strip()

    def remove(self, path: str) -> None:
        """Remove a file; absent is fine."""
        self._repl.run(f"_drop({path!r})")

    def remove_folders(self, folders: Sequence[str]) -> None:
        """Remove those of `folders` that are empty, the deepest first."""
        deepest_first = sorted(folders, key=lambda path: -path.count("/"))
        code = "for p in {}:\n try:\n  os.rmdir(p)\n except OSError:\n  pass"
        self._repl.run(code.format(deepest_first))

    def names(self, folder: str) -> list[str]:
        """What lies in `folder`, folders ending in "/"."""
        code = f"""
try:
 print(repr([e[0] + ('/' if e[1] == 0x4000 else '') for e in os.ilistdir({folder!r})]))
except OSError:
 print('[]')
"""
        return sorted(ast.literal_eval(self._repl.run(code)))

    def unique_id(self) -> str:
        """The chip's own number in hexadecimal, "" where the port has none."""
        return self.kind.chip_serial

    def run(self, code: str) -> str:
        """What a program prints there. Raises ProgramError when it ends in an exception."""
        return self._repl.run(code, _TREE_TIMEOUT_S)

    def hold(self) -> None:
        """Keep the control from starting, whatever happens, until `release`."""
        if MAINTENANCE_FILE not in self.names(""):
            self.replace(MAINTENANCE_FILE, _HOLD)

    def release(self) -> bool:
        """Let the control start again; False when somebody else's wish keeps it from starting."""
        held = self.read(MAINTENANCE_FILE)
        if held in OWN_HOLDS:
            self.remove(MAINTENANCE_FILE)
            return True
        return held is None

    def reset(self) -> None:
        """Reset the board and leave it."""
        self._repl.run_and_leave(_RESET)
        self.close()

    def bootloader(self) -> None:
        """Have the chip wait for its base image, where it can, and leave it."""
        self._repl.run_and_leave("import machine\nmachine.bootloader()")
        self.close()

    def close(self) -> None:
        """Leave the port."""
        self._repl.wire.close()

    def _describe(self) -> BoardKind:
        platform, machine, mpy, version, chip, radio, free, size = ast.literal_eval(self._repl.run(_DESCRIBE))
        return BoardKind(platform, machine, mpy, version, chip, bool(radio), free, size)

    def _write_error(self, path: str, error: ProgramError) -> BoardError:
        if error.trace.endswith(_NO_SPACE):
            return BoardError(
                tr(
                    "{port}: the file system is full at {path}: remove files that are not ours (`mpremote rm`)",
                    port=self.where,
                    path=path,
                )
            )
        return error


def open_board(port: str, wait_s: float = 0.0) -> Board:
    """The board behind a port, its program stopped; `wait_s` as `enter` has it. Raises BoardError."""
    repl = enter(lambda: SerialWire(port), time.sleep, wait_s=wait_s)
    try:
        return Board(repl)
    except BaseException:
        repl.wire.close()
        raise


def _write_steps(path: str, data: bytes) -> Iterator[tuple[str, int]]:
    """The programs that write a file, and how many of its bytes each leaves written; a small file takes one."""
    code = f"_folders({path!r})\n_f = open({path + '.new'!r}, 'wb')\n"
    for at in range(0, len(data), _CHUNK_SIZE):
        chunk = binascii.b2a_base64(data[at : at + _CHUNK_SIZE], newline=False).decode()
        code += f"_put({chunk!r})\n"
        if at + _CHUNK_SIZE < len(data):
            yield code, at + _CHUNK_SIZE
            code = ""
    yield code + f"_done({path!r}, {hashlib.sha256(data).hexdigest()!r})", len(data)
