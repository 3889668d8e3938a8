"""The rig's axis moves as the boom of the simulated field does, switch by switch and step by step."""

from firmware.roles.rig.axis import Axis
from hil.targets.board_rows import boom_axis, limit_rows
from protocols.rig import messages as m
from sim_devices.plants.boom import Boom
from sim_devices.sensors.switch import closed_limit, open_limit

# Relays for so many steps: (open, close). Stops half-way, reversals on the move, both ends.
DRIVE = ((0, 0, 10), (1, 0, 300), (0, 0, 60), (1, 0, 400), (0, 1, 240), (1, 0, 90), (1, 1, 40), (0, 1, 900))


def test_the_axis_of_the_rig_is_the_boom_of_the_plant() -> None:
    boom, axis = Boom(), Axis()
    axis.define(m.SENSE_AT, m.SENSE_AT + 1, m.NONE, *boom_axis(boom))
    for row in limit_rows():
        axis.add_limit(0, row.on_at, row.off_at)
    switches = [open_limit(), closed_limit()]
    levels = bytearray(m.CHANNELS)
    farthest, differing = 0, 0
    for plus, minus, steps in DRIVE:
        levels[m.SENSE_AT], levels[m.SENSE_AT + 1] = plus, minus
        boom.motor_open, boom.motor_close = bool(plus), bool(minus)
        for _ in range(steps):
            axis.step(levels)
            boom.advance(m.AXIS_STEP_US / 1e6)
            for switch in switches:
                switch.sense(boom.position)
            farthest = max(farthest, abs(axis.position - round(boom.position * m.AXIS_ONE)))
            differing += [bool(level) for level in axis.closed[:2]] != [switch.closed for switch in switches]
    assert farthest < m.AXIS_ONE // 100_000
    assert differing == 0
