"""The site file as the hub sees it: frozen, complete and already checked.

Knows: the shape of a site and how to load one. Must not know: how a line, journal or uplink works.
The rules a file is held to are in edge/config_rules.py; nothing starts unless the whole file passes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from edge.lane.settings import LaneSettings
from edge.profile import Profile
from edge.provision.device_key import DeviceKey

KIND_RTU = "rtu"
KIND_TCP = "tcp"
KIND_RTU_OVER_TCP = "rtu_over_tcp"
MODBUS_PORT, MODBUS_TLS_PORT = 502, 802  # where a line's device serves unless the site file says otherwise


@dataclass(frozen=True, slots=True)
class LinkConfig:
    """One way to the platform: the MQTT broker at its end. `ca_file` is None without TLS, `cert_file` and `key_file`
    without a certificate of the gate's own; `server_name` and `bind_address` are "" unless given."""

    name: str
    host: str
    port: int
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    server_name: str = ""
    bind_address: str = ""


TELEMETRY_ACK_PLATFORM = "platform"
TELEMETRY_ACK_BROKER = "broker"


@dataclass(frozen=True, slots=True)
class UplinkConfig:
    """Who the gate is for the platform, its links, the preferred one first, and what becomes of telemetry.

    `primary_host` is "" when telemetry waits for no Sparkplug host.
    """

    client_id: str
    topic_root: str
    links: tuple[LinkConfig, ...]
    history_bytes_per_s: int = 1_000_000
    fail_over_rtt_ms: int = 1500
    fail_over_loss_percent: int = 20
    fail_over_after_s: int = 10
    fail_back_after_s: int = 60
    sparkplug_group: str = "gate"
    sparkplug_node: str = "gate"
    primary_host: str = ""
    telemetry_ack: str = TELEMETRY_ACK_PLATFORM
    telemetry_budget_mb: int = 512
    telemetry_max_age_h: int = 168


@dataclass(frozen=True, slots=True)
class LineConfig:
    """One Modbus line. rtu uses `port` (path), `baud`, `parity`; the others use `host` and `tcp_port`.

    With a `ca_file` a tcp line is TLS (Modbus/TCP Security); files are "" where the site file names none.
    """

    name: str
    kind: str
    port: str
    baud: int
    parity: str
    host: str
    tcp_port: int
    timeout_ms: int
    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""


@dataclass(frozen=True, slots=True)
class DeviceConfig:
    """One device on a line. Of ours, `map` is the role and `key` the 32-byte command key, which is kept in `key_file`.

    A third-party device has a `profile` instead, which holds the periods of its points; then `map` is "" and there is
    no `key_file`. `wiring`, `line_protocol` ("" for the default) and `line_baud` (0) are for the board alone.
    """

    name: str
    line: str
    unit_id: int
    map: str
    map_version: int
    serial: int
    key: bytes = field(repr=False)
    period_ms: int
    profile: Profile | None = None
    key_file: Path | None = None
    wiring: str = ""
    line_protocol: str = ""
    line_baud: int = 0

    @property
    def key_id(self) -> int:
        """What a device with this key shows in its register `key_id`; 0 without a key."""
        return DeviceKey(self.key).key_id if self.key else 0


@dataclass(frozen=True, slots=True)
class LaneConfig:
    """One lane: the names of its devices, the id its camera posts under ("" for none), and its settings."""

    name: str
    barrier: str
    weighbridge: str
    camera: str
    settings: LaneSettings


@dataclass(frozen=True, slots=True)
class JournalConfig:
    """How long records are kept once the platform has them."""

    keep_days: int = 365
    keep_mb: int = 20_000


@dataclass(frozen=True, slots=True)
class SiteConfig:
    """A whole site. `uplink` is None when the file has no [uplink]; `http_port` 0 means no HTTP.

    `update_key` is the 32-byte public key of firmware updates, b"" without an update_key_file or when it was not read.
    """

    path: Path
    name: str
    data_dir: Path
    http_port: int
    uplink: UplinkConfig | None
    lines: tuple[LineConfig, ...]
    devices: tuple[DeviceConfig, ...]
    lanes: tuple[LaneConfig, ...]
    journal: JournalConfig = JournalConfig()
    update_key: bytes = b""

    @property
    def key_path(self) -> Path:
        """The file of the key the journal's checkpoints are signed with."""
        return self.data_dir / "journal.key"

    @property
    def journal_path(self) -> Path:
        """The journal's database file."""
        return self.data_dir / "journal.sqlite"

    def device(self, name: str) -> DeviceConfig:
        """The device called `name`; KeyError is a program error, the loader has checked every reference."""
        return {device.name: device for device in self.devices}[name]
