"""Third-party devices behind servers that are not ours: every table, several units, each way of carrying, TLS."""

import asyncio
import shutil
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pymodbus import FramerType
from pymodbus.datastore import ModbusDeviceContext, ModbusSequentialDataBlock, ModbusServerContext
from pymodbus.server import ModbusTcpServer, ModbusTlsServer

from edge.config import KIND_RTU_OVER_TCP, KIND_TCP, DeviceConfig, LineConfig
from edge.model import Quality
from edge.poll.merge import COIL, DISCRETE_INPUT, HOLDING_REGISTER, INPUT_REGISTER
from edge.profile import Profile
from edge.southbound.line_error import Fault, LineError
from edge.southbound.modbus_client import ModbusClient
from protocols.registers.tag import Tag
from tests.edge.certificates import Authority

TAGS = (
    Tag("voltage", INPUT_REGISTER, 2, "float32", 2, units="V", word_order="little"),
    Tag("count", HOLDING_REGISTER, 5, "uint32", 2),
    Tag("closed", COIL, 3, "bool", 1),
    Tag("door", DISCRETE_INPUT, 8, "bool", 1),
)
PROFILE = Profile("meter", TAGS, (20,) * len(TAGS), 125, 12)


def _registers(data: bytes) -> list[int]:
    return list(struct.unpack(f">{len(data) // 2}H", data))


def _server_device(voltage: float, count: int) -> ModbusDeviceContext:
    high, low = _registers(struct.pack(">f", voltage))
    return ModbusDeviceContext(
        ir=ModbusSequentialDataBlock(1, [0, 0, low, high, 0, 0, 0, 0]),
        hr=ModbusSequentialDataBlock(1, [0] * 5 + _registers(struct.pack(">I", count))),
        co=ModbusSequentialDataBlock(1, [False, False, False, True, False]),
        di=ModbusSequentialDataBlock(1, [False] * 8 + [True, False]),
    )


@asynccontextmanager
async def _serving(server: ModbusTcpServer) -> AsyncIterator[int]:
    await server.serve_forever(background=True)
    try:
        yield server.transport.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
    finally:
        await server.shutdown()


def _context(*units: int) -> ModbusServerContext:
    return ModbusServerContext(devices={unit: _server_device(230.5 + unit, 70_000 + unit) for unit in units})


def _device(unit_id: int, profile: Profile = PROFILE) -> DeviceConfig:
    return DeviceConfig(f"meter-{unit_id}", "line-1", unit_id, "", 0, 0, b"", 0, profile)


def _line(kind: str, port: int, timeout_ms: int = 300, **files: str) -> LineConfig:
    return LineConfig("line-1", kind, "", 0, "N", "localhost", port, timeout_ms, **files)


@pytest.mark.parametrize(("kind", "framer"), [(KIND_TCP, FramerType.SOCKET), (KIND_RTU_OVER_TCP, FramerType.RTU)])
async def test_every_table_of_several_units_is_read(run_line: Any, kind: str, framer: FramerType) -> None:
    server = ModbusTcpServer(_context(1, 7), framer=framer, address=("localhost", 0))
    async with _serving(server) as port, run_line(_line(kind, port), [_device(1), _device(7)]) as running:
        for unit_id in (1, 7):
            await running.until(lambda unit_id=unit_id: len(running.image(unit_id).tags) == len(TAGS))
            image = running.image(unit_id)
            values = {name: tag.value for name, tag in image.tags.items()}
            assert values == {"voltage": 230.5 + unit_id, "count": 70_000 + unit_id, "closed": True, "door": True}
            assert (image.quality, image.tag("voltage").unit) == (Quality.GOOD, "V")
        assert running.presence == [("meter-1", True), ("meter-7", True)]
        assert running.kinds() == []


async def test_a_read_the_device_refuses_spoils_its_own_points_only(run_line: Any) -> None:
    tags = (*TAGS[:1], Tag("beyond", INPUT_REGISTER, 4000, "uint16", 1))
    profile = Profile("meter", tags, (20, 20), 125, 0)
    server = ModbusTcpServer(_context(1), address=("localhost", 0))
    async with _serving(server) as port, run_line(_line(KIND_TCP, port), [_device(1, profile)]) as running:
        await running.until(lambda: len(running.image().tags) == 2)
        beyond = running.image().tag("beyond")
        assert (beyond.value, beyond.quality) == (None, Quality.BAD)
        assert "illegal data address" in beyond.reason
        assert running.image().tag("voltage").quality is Quality.GOOD
        assert running.image().online


async def test_a_device_that_comes_back_is_logged_without_what_a_profile_does_not_know(
    run_line: Any, caplog: pytest.LogCaptureFixture
) -> None:
    server = ModbusTcpServer(_context(1), address=("localhost", 0))
    async with _serving(server) as port:
        line = _line(KIND_TCP, port)
        async with run_line(line, [_device(1)]) as running:
            await running.until(lambda: running.image().online)
            server.close()
            await running.until(lambda: not running.image().online)
            again = ModbusTcpServer(_context(1), address=("localhost", port))
            async with _serving(again):
                await running.until(lambda: running.image().online)
    assert [text for text in caplog.messages if "device_back" in text] == ["meter-1: device_back"]


@pytest.mark.parametrize("is_silent", [True, False])
async def test_a_unit_that_is_missing_behind_a_gateway_leaves_its_neighbours_alone(
    run_line: Any, is_silent: bool
) -> None:
    def gateway(sending: bool, data: bytes) -> bytes:
        """Says nothing for unit 9, or that nobody is there."""
        if not sending or data[6] != 9:
            return data
        return b"" if is_silent else data[:4] + bytes((0, 3, 9, data[7] | 0x80, 0x0B))

    server = ModbusTcpServer(_context(1, 9), address=("localhost", 0), trace_packet=gateway)
    async with _serving(server) as port, run_line(_line(KIND_TCP, port, 50), [_device(1), _device(9)]) as running:
        await running.until(lambda: "device_lost" in running.kinds())
        await running.until(lambda: len(running.image(1).tags) == len(TAGS))
        assert running.image(1).online
        assert "unit 9 did not answer" in running.image(9).reason
        assert running.line.status()["opened"] == 1


async def test_a_third_party_device_is_sent_no_command(run_line: Any) -> None:
    server = ModbusTcpServer(_context(1), address=("localhost", 0))
    async with _serving(server) as port, run_line(_line(KIND_TCP, port), [_device(1)]) as running:
        await running.until(lambda: running.image().online)
        assert await running.command("OPEN", device="meter-1") == (False, "not_sent")


# TLS: one authority trusted by both ends, one that nobody knows, and certificates of each.


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `ca`, `other`, and the certificates the tests show each other."""
    folder = tmp_path_factory.mktemp("pki")
    authority, other = Authority(folder), Authority(folder, "other")
    for name in ("device", "hub"):
        authority.issue(name, "localhost")
    authority.issue("elsewhere", "elsewhere.example")
    authority.issue("expired", "localhost", days=-1)
    other.issue("stranger", "localhost")
    return folder


def _tls_server(pki: Path, certificate: str) -> ModbusTlsServer:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki / f"{certificate}.pem", pki / f"{certificate}.key.pem")
    context.load_verify_locations(pki / "ca.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    return ModbusTlsServer(_context(1), sslctx=context, address=("localhost", 0))


def _tls_line(pki: Path, port: int, ca: str = "ca", own: str = "hub") -> LineConfig:
    files = {"cert_file": str(pki / f"{own}.pem"), "key_file": str(pki / f"{own}.key.pem")} if own else {}
    return _line(KIND_TCP, port, ca_file=str(pki / f"{ca}.pem"), **files)


async def test_a_device_is_read_over_tls_with_both_certificates(run_line: Any, pki: Path) -> None:
    async with (
        _serving(_tls_server(pki, "device")) as port,
        run_line(_tls_line(pki, port), [_device(1)]) as running,
    ):
        await running.until(lambda: len(running.image().tags) == len(TAGS))
        assert running.image().tag("voltage").value == 231.5


@pytest.mark.parametrize(
    ("shown", "ca", "own", "words"),
    [
        ("device", "other", "hub", "certificate was not made by"),
        ("expired", "ca", "hub", "the device's certificate has expired"),
        ("elsewhere", "ca", "hub", "the device's certificate is not for localhost"),
        ("device", "ca", "stranger", "it may refuse the hub's certificate"),
        ("device", "ca", "", "it may refuse the hub's certificate (none, the site file has no cert_file)"),
    ],
)
async def test_a_certificate_that_is_not_taken_is_told(
    run_line: Any, pki: Path, shown: str, ca: str, own: str, words: str
) -> None:
    async with (
        _serving(_tls_server(pki, shown)) as port,
        run_line(_tls_line(pki, port, ca, own), [_device(1)]) as running,
    ):
        await running.until(lambda: words in running.image().reason)
        assert not running.image().online


async def test_a_certificate_that_the_device_refuses_in_words_is_told(run_line: Any, pki: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("BLOCKED: openssl is not installed; apt-get install openssl")
    files = ("-cert", "device.pem", "-key", "device.key.pem", "-CAfile", "ca.pem")
    server = await asyncio.create_subprocess_exec(
        *("openssl", "s_server", "-accept", "localhost:0", "-Verify", "1", "-verify_return_error", *files),
        cwd=pki,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert server.stdout is not None
    while not (line := await server.stdout.readline()).startswith(b"ACCEPT"):
        assert line, "openssl ended"
    port = int(line.rsplit(b":", 1)[1])
    async with run_line(_tls_line(pki, port, own="stranger"), [_device(1)]) as running:
        await running.until(lambda: "the device refuses the hub's certificate" in running.image().reason)
        assert "ALERT" in running.image().reason
    server.kill()
    await server.wait()


async def test_files_that_cannot_be_used_are_told(pki: Path) -> None:
    config = _tls_line(pki, 1)
    for key, file, words in (
        ("ca_file", "none.pem", "ca_file .*none.pem cannot be read .No such file"),
        ("ca_file", "ca.key.pem", "ca_file .*ca.key.pem cannot be used .no PEM"),
        ("key_file", "other.key.pem", "the key does not belong to the certificate"),
    ):
        client = ModbusClient(LineConfig(**{**_fields(config), key: str(pki / file)}))
        with pytest.raises(LineError, match=words) as caught:
            await client.open()
        assert caught.value.fault is Fault.TLS


def _fields(config: LineConfig) -> dict[str, Any]:
    return {name: getattr(config, name) for name in config.__dataclass_fields__}


async def test_a_server_without_tls_is_told_as_such(pki: Path) -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"no handshake\r\n")
        writer.close()

    server = await asyncio.start_server(babble, "localhost", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(LineError, match="no TLS there"):
        await ModbusClient(_tls_line(pki, port)).open()
    server.close()
