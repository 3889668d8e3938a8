"""The live terminal view: lanes, devices, weights, decisions and counters, four times a second; or a line now and then.

Knows: rich, the hub's status and the world's counts. Must not know: how either comes about.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from hil.run.gate import GateRun

_PERIOD_S = 0.25
_LINE_PERIOD_S = 10.0
_HEALTH_STYLES = {"NORMAL": "green", "FAILURE": "bold red", "": "red"}
_LIGHT_STYLES = {"GREEN": "bold green", "RED": "red", "RED_FLASHING": "bold red", "AMBER_FLASHING": "yellow"}
_LANE_LENGTH_M = 32.0
_ROAD_CELLS = 40


async def show_live(run: GateRun) -> None:
    """Draw until cancelled."""
    with Live(console=Console(), screen=True, auto_refresh=False) as live:
        while True:
            live.update(draw(run), refresh=True)
            await asyncio.sleep(_PERIOD_S)


async def show_lines(run: GateRun) -> None:
    """Print one line about the gate every ten seconds, where there is no terminal to draw on, until cancelled."""
    while True:
        await asyncio.sleep(_LINE_PERIOD_S)
        lanes = ", ".join(f"{name} {lane['state']}" for name, lane in run.status.get("lanes", {}).items())
        print(f"gate: {lanes or 'no hub'}; {_trucks(run)}; {_records(run.status)}", file=sys.stderr, flush=True)


def draw(run: GateRun) -> Group:
    """One picture of the gate as it stands."""
    return Group(_lanes(run), _devices(run.status), _counters(run))


def _lanes(run: GateRun) -> Panel:
    table = Table.grid(padding=(0, 2), expand=True)
    for title in ("lane", "state", "plate", "weight", "decision", "boom", "road", "passed", "back"):
        table.add_column(Text(title, style="bold"))
    table.add_row(*(Text(str(column.header), style="dim") for column in table.columns))
    for name in run.world.fields:
        table.add_row(*_lane_row(run, name, run.status.get("lanes", {}).get(name, {})))
    return Panel(table, title=f"{run.site.name}: lanes", title_align="left")


def _lane_row(run: GateRun, name: str, lane: dict[str, Any]) -> list[Text]:
    barrier = run.status.get("devices", {}).get(lane.get("barrier", ""), {})
    counts = run.world.counts(name)
    light = barrier.get("lights_word", "")
    state = Text(lane.get("state", "no hub"), style="bold" if lane.get("transaction") else "dim")
    return [
        Text(name, style="bold"),
        state,
        Text(lane.get("plate") or "-"),
        Text(_weight(lane.get("live_kg_x10"))),
        Text(lane.get("decision") or ", ".join(lane.get("attention", ())) or "-"),
        Text(barrier.get("state", ""), style=_LIGHT_STYLES.get(light, "dim")),
        _road(run, name, light),
        Text(str(counts["passed"])),
        Text(str(counts["turned_back"])),
    ]


def _road(run: GateRun, name: str, light: str) -> Text:
    """The lane from above: trucks as blocks, the boom as a bar in the light's colour."""
    field = run.world.fields[name]
    cells = ["·"] * _ROAD_CELLS
    for visitor in field.lane.visitors:
        low, high = (_cell(x) for x in (visitor.truck.tail_m, visitor.truck.front_m))
        for index in range(max(0, low), min(_ROAD_CELLS, high + 1)):
            cells[index] = "█"
    road = Text("".join(cells))
    boom = _cell(26.0)
    road.stylize(_LIGHT_STYLES.get(light, "dim"), boom, boom + 1)
    if cells[boom] == "·":
        shape = "│" if field.lane.boom.permille < 500 else "╱"
        road = Text.assemble(road[:boom], (shape, _LIGHT_STYLES.get(light, "dim")), road[boom + 1 :])
    return road


def _cell(x_m: float) -> int:
    return int(x_m / _LANE_LENGTH_M * _ROAD_CELLS)


def _weight(kg_x10: int | None) -> str:
    return "-" if kg_x10 is None else f"{kg_x10 / 10:,.0f} kg"


def _devices(status: dict[str, Any]) -> Panel:
    table = Table.grid(padding=(0, 2), expand=True)
    titles = ("device", "line", "health", "state", "polls", "CRC", "time-outs", "overruns", "longest scan", "boots")
    for _ in titles:
        table.add_column()
    table.add_row(*(Text(title, style="dim") for title in titles))
    for name, device in status.get("devices", {}).items():
        table.add_row(*_device_row(name, device))
    return Panel(table, title="devices", title_align="left")


def _device_row(name: str, device: dict[str, Any]) -> list[Text]:
    usable = device["quality"] != "bad"
    health = device["health"] if usable else device["reason"]
    reasons = f" ({', '.join(device['health_reasons'])})" if usable and device["health_reasons"] else ""
    return [
        Text(name, style="bold"),
        Text(device["line"]),
        Text(f"{health}{reasons}", style=_HEALTH_STYLES.get(device["health"], "yellow") if usable else "bold red"),
        Text(device["state"]),
        Text(str(device["poll_cycles"])),
        Text(str((device["crc_errors_device"] or 0) + device["crc_errors_hub"])),
        Text(str(device["timeouts"])),
        Text(str(device["scan_overruns"])),
        Text(f"{device['scan_max_us']} us"),
        Text(str(device["boot_count"])),
    ]


def _counters(run: GateRun) -> Panel:
    uplink = run.status.get("uplink", {}).get("state", "-")
    parts = [f"{process.name} {process.pid or 'down'} ({process.restarts} restarts)" for process in run.processes]
    lines = [_trucks(run), f"{_records(run.status)}; uplink {uplink}", f"processes: {', '.join(parts)}; Ctrl-C ends"]
    return Panel(Text("\n".join(lines)), title="counters", title_align="left")


def _trucks(run: GateRun) -> str:
    counts = run.world.counts()
    return (
        f"trucks: {counts['entered']} entered, {counts['passed']} passed, {counts['turned_back']} turned back, "
        f"{counts['in_lane']} in the lanes, {counts['waiting']} waiting"
    )


def _records(status: dict[str, Any]) -> str:
    journal, uplink = status.get("journal", {}), status.get("uplink", {})
    return f"records: {journal.get('last_seq', '-')} journalled, {uplink.get('acked_seq', '-')} acknowledged"
