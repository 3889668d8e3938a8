"""Right messages of every instrument a field line may lead to, for the garbage to be made from.

Knows the encoders. Must not know cores. Dual-run.
"""

from protocols.charger.power_module import FRAME_SIZE, MODULE_ON, STATUS, Frame, status_extra
from protocols.indicators import cas, mt_sics, sma, toledo, yaohua, yaohua_command
from protocols.indicators.reading import UNIT_KG, Reading
from sim_devices.devices.rfid_reader import R200Reader, TagField, Uhf18Reader

_INDICATORS = {
    "yaohua_tf0": yaohua.encode_tf0,
    "equals_reversed": yaohua.encode_equals_reversed,
    "equals_plain": yaohua.encode_equals_plain,
    "yaohua_a12": yaohua.encode_a12,
    "toledo": toledo.encode_toledo,
    "toledo_checksum": toledo.encode_toledo_checksum,
    "mt_sics": mt_sics.encode_mt_sics,
    "sma": sma.encode_sma,
    "cas": cas.encode_cas,
}
_WEIGHTS_KG = (0, 20, 12340, -40, 99980)


def samples(protocol):
    """Messages of the instrument that speaks `protocol`, as bytes; () for what has no messages."""
    if protocol in _INDICATORS:
        return tuple(_encoded(_INDICATORS[protocol], weight) for weight in _WEIGHTS_KG)
    if protocol == "yaohua_tf1":
        return tuple(_reply(weight) for weight in _WEIGHTS_KG)
    if protocol == "power_module":
        return tuple(_status(current) for current in (0, 5, 400))
    if protocol in ("r200", "uhfreader18"):
        return _reads(protocol)
    return ()


def _reading(weight_kg):
    reading = Reading()
    reading.has_weight = 1
    reading.digits = weight_kg
    reading.unit = UNIT_KG
    return reading


def _encoded(encode, weight_kg):
    buffer = bytearray(64)
    return bytes(buffer[: encode(buffer, _reading(weight_kg))])


def _reply(weight_kg):
    buffer = bytearray(64)
    address = yaohua_command.ADDRESS_FIRST
    return bytes(buffer[: yaohua_command.encode_reply(buffer, address, 0x42, _reading(weight_kg))])


def _status(current_a_x10):
    frame = Frame()
    frame.kind, frame.flags, frame.voltage_v_x10, frame.current_a_x10 = STATUS, MODULE_ON, 480, current_a_x10
    frame.extra = status_extra(1, 30)
    buffer = bytearray(FRAME_SIZE)
    frame.pack(buffer)
    return bytes(buffer)


def _reads(protocol):
    """Captured from the simulated reader once it was asked."""
    from firmware.app.roles import load_role
    from firmware.control.events import EventRing

    role = load_role("rfid")
    core = role.make_core(_defaults(role.regmap), EventRing(bytearray(64), 4), protocol)
    field = TagField()
    field.add(b"\x30\x75\x1f\xeb\x70\x5c\x59\x04\xe3\xd5\x0d\x70")
    reader = Uhf18Reader(field) if protocol == "uhfreader18" else R200Reader(field)
    core.hub_alive = 1
    core.quality[:] = [0] * len(core.quality)
    buffer = bytearray(128)
    found = []
    for now_ms in range(0, 6000, 10):
        core.step(now_ms)
        size = core.line.transmit(buffer)
        if size:
            reader.receive(bytes(buffer[:size]), now_ms)
        said = reader.advance(now_ms)
        if said:
            core.line.receive(said, len(said), now_ms)
            if said not in found:
                found.append(said)
    return tuple(found)


def _defaults(regmap):
    from firmware.app.settings import Settings

    return Settings(regmap.MAP_ID, regmap.MAP_VERSION, regmap.SETTINGS_TABLE).values
