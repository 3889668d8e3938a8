"""The one table of the site file: every table and key, with type, limits, default and meaning.

Knows: what may stand in a site file. Must not know: how it is read or what the values do.
The checker (edge/config_rules.py) and the reference page (edge/config_reference.py) both come from here.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from edge.config import (
    KIND_RTU,
    KIND_RTU_OVER_TCP,
    KIND_TCP,
    TELEMETRY_ACK_BROKER,
    TELEMETRY_ACK_PLATFORM,
    JournalConfig,
    UplinkConfig,
)
from edge.lane.settings import UNIDENTIFIED_ATTENTION, UNIDENTIFIED_REFUSE, LaneSettings
from edge.words import later, tr

BAUDS = (1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)
# Names appear in MQTT topics, transaction numbers and file:line messages, so no spaces, slashes or wildcards.
NAME_PATTERN = r"\w[\w.-]{0,39}"
NAME_RULE = later("1 to 40 letters, digits, '_', '-' or '.', no spaces")
TOPIC_PATTERN = r"[^/+#\s\x00]+(/[^/+#\s\x00]+)*"
TOPIC_RULE = later("an MQTT topic without '+', '#', spaces or empty levels")
SPARKPLUG_PATTERN = r"[^/+#\x00-\x1f]{1,100}"
OPTIONAL_SPARKPLUG_PATTERN = r"[^/+#\x00-\x1f]{0,100}"
SPARKPLUG_RULE = later("1 to 100 characters without '/', '+' and '#'")
ANY_TEXT_PATTERN = r"[^\x00-\x1f]{1,200}"
ANY_TEXT_RULE = later("text of 1 to 200 characters")
OPTIONAL_TEXT_PATTERN = r"[^\x00-\x1f]{0,200}"
# serial_number is a uint32 point whose values stay below MicroPython's small-integer limit.
SERIAL_MAX = 2**30 - 1
_DAY_MS = 86_400_000
_DEFAULTS = {item.name: item.default for item in (*fields(LaneSettings), *fields(UplinkConfig))}


@dataclass(frozen=True, slots=True)
class KeyRule:
    """One key. `kind` is "integer", "number" (decimals too), "text" or "texts" (a list of text).

    Limits hold for numbers, `pattern` for text. `only_for` names the shapes of its table a key belongs to, in words;
    none: all of them. A key without default is required (where it applies).
    """

    name: str
    kind: str
    meaning: str
    default: Any = None
    optional: bool = False
    low: int = 0
    high: int = 0
    choices: tuple[Any, ...] = ()
    pattern: str = ANY_TEXT_PATTERN
    rule: str = ANY_TEXT_RULE
    only_for: tuple[str, ...] = ()

    @property
    def required(self) -> bool:
        """Whether a file without this key is wrong."""
        return self.default is None and not self.optional

    @property
    def expected(self) -> str:
        """What a value must be, in words."""
        if self.choices:
            return tr("one of {words}", words=", ".join(show(choice) for choice in self.choices))
        if self.kind == "integer":
            return tr("a whole number from {low} to {high}", low=self.low, high=self.high)
        if self.kind == "number":
            return tr("a number from {low} to {high}", low=self.low, high=self.high)
        if self.kind == "texts":
            return tr("a list of texts")
        return tr(self.rule)


@dataclass(frozen=True, slots=True)
class TableRule:
    """One table; `many` for a list of tables (`[[name]]`), `required` when a file must have it."""

    name: str
    many: bool
    required: bool
    meaning: str
    keys: tuple[KeyRule, ...]

    @property
    def header(self) -> str:
        """The table as it is written in the file."""
        return f"[[{self.name}]]" if self.many else f"[{self.name}]"


def show(value: Any) -> str:
    """`value` as it would be written in the file, shortened to what fits in a sentence."""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = f'"{value}"' if isinstance(value, str) else str(value)
    text = "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)
    return text if len(text) <= 60 else text[:57] + "..."


def _name(meaning: str) -> KeyRule:
    return KeyRule("name", "text", meaning, pattern=NAME_PATTERN, rule=NAME_RULE)


def _lane_ms(name: str, low: int, high: int, meaning: str) -> KeyRule:
    return KeyRule(name, "integer", meaning, default=_DEFAULTS[name], low=low, high=high)


def _uplink_number(name: str, low: int, high: int, meaning: str) -> KeyRule:
    return KeyRule(name, "integer", meaning, default=_DEFAULTS[name], low=low, high=high)


_PORT_MAX = 65535
_RTU = (f'of kind "{KIND_RTU}"',)
_TCP = (f'of kind "{KIND_TCP}"',)
_SOCKET = (*_TCP, f'of kind "{KIND_RTU_OVER_TCP}"')
WITH_MAP, WITH_PROFILE = later("with a map"), later("with a profile")

SITE = TableRule(
    "site",
    many=False,
    required=True,
    meaning="The gate as a whole.",
    keys=(
        _name("Name of the gate"),
        KeyRule("data_dir", "text", "Folder of the journal, relative to the site file; made when missing"),
        KeyRule(
            "http_port",
            "integer",
            "Port of the status page and of camera posts on 127.0.0.1; 0 is off, and then no plate is read",
            default=0,
            high=_PORT_MAX,
        ),
        KeyRule(
            "update_key_file",
            "text",
            "File with the public key of firmware updates, 64 hexadecimal digits, relative to the site file; "
            "`gate provision` puts it on every board",
            optional=True,
        ),
    ),
)

_JOURNAL_DEFAULTS = JournalConfig()
JOURNAL = TableRule(
    "journal",
    many=False,
    required=False,
    meaning="How long records stay on the disk. Only records the platform has acknowledged are ever removed.",
    keys=(
        KeyRule(
            "keep_days",
            "integer",
            "Days a record is kept",
            default=_JOURNAL_DEFAULTS.keep_days,
            low=1,
            high=36_500,
        ),
        KeyRule(
            "keep_mb",
            "integer",
            "Megabytes the journal may use; the oldest records go earlier when it is more",
            default=_JOURNAL_DEFAULTS.keep_mb,
            low=50,
            high=10_000_000,
        ),
    ),
)

UPLINK = TableRule(
    "uplink",
    many=False,
    required=False,
    meaning="What the gate sends to the platform, over its [[link]]s. Without it the hub only keeps its journal.",
    keys=(
        KeyRule("client_id", "text", "MQTT client id; smartgate-<site name> when absent", optional=True),
        KeyRule(
            "topic_root",
            "text",
            "What every topic begins with; gate/<site name> when absent",
            optional=True,
            pattern=TOPIC_PATTERN,
            rule=TOPIC_RULE,
        ),
        _uplink_number("history_bytes_per_s", 0, 2**30, "Most that telemetry of the past may take; 0 is no limit"),
        _uplink_number("fail_over_rtt_ms", 50, 5000, "A link whose round trip is longer is a bad one"),
        _uplink_number("fail_over_loss_percent", 1, 100, "A link that must send more than this again is a bad one"),
        _uplink_number(
            "fail_over_after_s", 1, 3600, "A bad link is left for a good one after so long; a dead one at once"
        ),
        _uplink_number(
            "fail_back_after_s", 1, 86_400, "A preferred link must be good for so long before it is taken again"
        ),
        KeyRule(
            "sparkplug_group",
            "text",
            "Sparkplug group the gate belongs to; group and node together are unique at the platform",
            default="gate",
            pattern=SPARKPLUG_PATTERN,
            rule=SPARKPLUG_RULE,
        ),
        KeyRule(
            "sparkplug_node",
            "text",
            "Sparkplug edge node id of the gate; the site's name when absent",
            optional=True,
            pattern=SPARKPLUG_PATTERN,
            rule=SPARKPLUG_RULE,
        ),
        KeyRule(
            "primary_host",
            "text",
            'Sparkplug host without which no telemetry is sent: its STATE must be online; "" waits for none',
            default="",
            pattern=OPTIONAL_SPARKPLUG_PATTERN,
            rule=SPARKPLUG_RULE,
        ),
        KeyRule(
            "telemetry_ack",
            "text",
            "Who says that telemetry has arrived: the platform, row by row, or the broker, for hosts that cannot",
            default=TELEMETRY_ACK_PLATFORM,
            choices=(TELEMETRY_ACK_PLATFORM, TELEMETRY_ACK_BROKER),
        ),
        _uplink_number(
            "telemetry_budget_mb", 1, 1_000_000, "Disk for unacknowledged telemetry; beyond it the oldest goes, counted"
        ),
        _uplink_number(
            "telemetry_max_age_h", 1, 87_600, "Hours the hub runs until unacknowledged telemetry goes, counted"
        ),
    ),
)

LINK = TableRule(
    "link",
    many=True,
    required=False,
    meaning="One way to the platform, one or two of them with an [uplink]; the first of the file is preferred.",
    keys=(
        _name("Name of the link, such as fibre or 5g"),
        KeyRule("host", "text", "Name or address of the MQTT broker"),
        KeyRule("port", "integer", "Its TCP port; 1883, or 8883 with ca_file", optional=True, low=1, high=_PORT_MAX),
        KeyRule("ca_file", "text", "Certificates of who may sign the broker's, PEM; turns TLS on", optional=True),
        KeyRule("cert_file", "text", "The gate's own certificate for this broker, PEM", optional=True),
        KeyRule("key_file", "text", "The private key of cert_file, PEM, without a password", optional=True),
        KeyRule("server_name", "text", "Name in the broker's certificate when it is not host", optional=True),
        KeyRule("bind_address", "text", "Own address to connect from, where the system routes by it", optional=True),
    ),
)

LINE = TableRule(
    "line",
    many=True,
    required=True,
    meaning="One Modbus line: a serial bus (rtu), one TCP connection (tcp), or a gateway that passes the frames of a "
    "serial bus through a TCP connection as they are (rtu_over_tcp). Behind a TCP gateway may be several devices.",
    keys=(
        _name("Name of the line"),
        KeyRule("kind", "text", "What carries the frames", choices=(KIND_RTU, KIND_TCP, KIND_RTU_OVER_TCP)),
        KeyRule("port", "text", "rtu: path of the serial port, relative paths from the site file", only_for=_RTU),
        KeyRule("baud", "integer", "rtu: bits per second", choices=BAUDS, only_for=_RTU),
        KeyRule(
            "parity",
            "text",
            'rtu: parity; "N" is sent with two stop bits',
            default="N",
            choices=("N", "E", "O"),
            only_for=_RTU,
        ),
        KeyRule("host", "text", "tcp, rtu_over_tcp: name or address of the device or gateway", only_for=_SOCKET),
        KeyRule(
            "port",
            "integer",
            "tcp, rtu_over_tcp: TCP port; 502, or 802 with ca_file",
            optional=True,
            low=1,
            high=_PORT_MAX,
            only_for=_SOCKET,
        ),
        KeyRule(
            "ca_file",
            "text",
            "tcp: certificates of who may sign the device's, PEM; turns TLS on (Modbus/TCP Security)",
            optional=True,
            only_for=_TCP,
        ),
        KeyRule("cert_file", "text", "tcp: the hub's own certificate for the line, PEM", optional=True, only_for=_TCP),
        KeyRule(
            "key_file", "text", "tcp: private key of cert_file, PEM, without a password", optional=True, only_for=_TCP
        ),
        KeyRule("timeout_ms", "integer", "How long an answer may take", default=200, low=20, high=10_000),
    ),
)

_MAP = (WITH_MAP,)


def _board_word(name: str, meaning: str) -> KeyRule:
    """A name only the device's board knows."""
    return KeyRule(name, "text", meaning, None, True, pattern=NAME_PATTERN, rule=NAME_RULE, only_for=_MAP)


DEVICE = TableRule(
    "device",
    many=True,
    required=True,
    meaning="One device on a line: one of ours, which has a map, or anybody else's, which has a profile.",
    keys=(
        _name("Name of the device"),
        KeyRule("line", "text", "Name of its line"),
        KeyRule("unit_id", "integer", "Modbus address, different for every device of a line", low=1, high=247),
        KeyRule(
            "profile",
            "text",
            "File that describes the device, [its keys](device-profile.md), relative to the site file",
            only_for=(WITH_PROFILE,),
        ),
        KeyRule(
            "map",
            "text",
            "Name of its register map: barrier, weighbridge, rfid or charging_post",
            only_for=_MAP,
        ),
        KeyRule("map_version", "integer", "Version of its register map", low=1, high=65535, only_for=_MAP),
        KeyRule(
            "serial",
            "integer",
            "Its serial number, different for every device of the site",
            low=1,
            high=SERIAL_MAX,
            only_for=_MAP,
        ),
        KeyRule(
            "key_file",
            "text",
            "File with its command key, 64 hexadecimal digits, relative to the site file",
            only_for=_MAP,
        ),
        KeyRule("period_ms", "integer", "Time between two polls", default=100, low=20, high=60_000, only_for=_MAP),
        _board_word("wiring", "Variant of its carrier card, [by board](boards.md); the board's first when absent"),
        _board_word("line_protocol", "The instrument on its field line, as its role names it; its first when absent"),
        KeyRule(
            "line_baud", "integer", "Baud of its field line; 9600 when absent", None, True, choices=BAUDS, only_for=_MAP
        ),
    ),
)

LANE = TableRule(
    "lane",
    many=True,
    required=False,
    meaning="One lane. Times are in milliseconds, see docs/lane.md for the states they bound.",
    keys=(
        _name("Name of the lane; its transactions are numbered <name>-000001 upward"),
        KeyRule("barrier", "text", "Name of its barrier device"),
        KeyRule("weighbridge", "text", "Name of its weighbridge device"),
        KeyRule("camera", "text", "Id its plate camera posts under", default="", pattern=OPTIONAL_TEXT_PATTERN),
        KeyRule("max_gross_kg", "integer", "Heaviest truck let through", low=1, high=200_000),
        KeyRule(
            "min_confidence",
            "integer",
            "A plate read below this counts as no read",
            default=_DEFAULTS["min_confidence"],
            high=100,
        ),
        KeyRule(
            "on_unidentified",
            "text",
            "What becomes of a truck whose plate cannot be read",
            default=_DEFAULTS["on_unidentified"],
            choices=(UNIDENTIFIED_ATTENTION, UNIDENTIFIED_REFUSE),
        ),
        KeyRule("deny_plates", "texts", "Plates that are refused", default=()),
        _lane_ms("arrive_debounce_ms", 0, 10_000, "A vehicle counts as arrived after this long"),
        _lane_ms("read_before_ms", 0, 600_000, "A plate read so long before the arrival still belongs to it"),
        _lane_ms("arrive_timeout_ms", 1000, _DAY_MS, "A flickering presence counts as an arrival after this long"),
        _lane_ms("identify_timeout_ms", 1000, _DAY_MS, "Longest wait for a plate"),
        _lane_ms("weigh_timeout_ms", 1000, _DAY_MS, "Longest wait for a registered weight"),
        _lane_ms("decide_timeout_ms", 1000, _DAY_MS, "Longest wait for healthy devices before deciding"),
        _lane_ms("open_timeout_ms", 1000, _DAY_MS, "Longest opening"),
        _lane_ms("pass_timeout_ms", 1000, _DAY_MS, "A truck may stand under the open boom so long before attention"),
        _lane_ms("close_timeout_ms", 1000, _DAY_MS, "Longest closing, from the first command"),
        _lane_ms("back_out_timeout_ms", 1000, _DAY_MS, "A refused truck has this long to reverse out"),
        _lane_ms("recover_timeout_ms", 1000, _DAY_MS, "After a start, longest wait for both devices before attention"),
        _lane_ms("command_timeout_ms", 100, 60_000, "Longest wait for a device to take a command"),
        _lane_ms("facts_max_age_ms", 200, 60_000, "Older readings of a device are not acted upon"),
    ),
)

TABLES = (SITE, JOURNAL, UPLINK, LINK, LINE, DEVICE, LANE)
# Keys that have a new place, for whoever brings an older file: (table, key) and where it is now.
MOVED_KEYS = {("uplink", "host"): "[[link]]", ("uplink", "port"): "[[link]]"}
# Owned by the rig; the hub neither reads nor checks it.
IGNORED_TABLES = ("simulation",)
