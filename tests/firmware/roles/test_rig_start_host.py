"""The start of a rig switches off what its wiring names, and its set is what the rig's folder needs and no more."""

import re
from pathlib import Path

from firmware.roles.rig import wiring
from protocols.rig.messages import DRIVERS, SENSES
from tools.deploy import ROOT, deploy


def test_the_start_names_the_pins_of_the_wiring() -> None:
    text = (ROOT / "firmware/roles/rig/main.py").read_text(encoding="utf-8")
    assert re.findall(r"Pin\((\d+), Pin\.OUT, value=(\d)\)", text) == [
        (str(wiring.DRIVERS_OFF), "1"),
        (str(wiring.POWER_CUT), "0"),
    ]


def test_no_pin_has_two_uses_and_none_is_the_radio_s() -> None:
    singles = [value for name, value in vars(wiring).items() if name.isupper() and isinstance(value, int)]
    numbers = {"HOST_UART", "HOST_BAUD", "DRIVERS_SPI"}
    pins = [getattr(wiring, name) for name in vars(wiring) if name.isupper() and name not in numbers]
    used = [pin for pin in pins if isinstance(pin, int)] + list(wiring.SENSES)
    assert len(used) == len(set(used)) == len(singles) - len(numbers) + SENSES
    assert not {23, 24, 25, 29} & set(used)
    assert (len(wiring.SENSES), DRIVERS) == (SENSES, 24)


def test_the_set_of_a_rig_has_no_role_in_it(tmp_path: Path) -> None:
    paths = {file.path for file in deploy(ROOT, "rig", "rp2", tmp_path).files}
    assert {"main.py", "firmware/roles/rig/shell.mpy", "protocols/rig/messages.mpy"} <= paths
    assert not [path for path in paths if "registers" in path or "control" in path or "app" in path]
