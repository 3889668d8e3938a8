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

from edge.words import tr
from hil.run.gate import GateRun

_PERIOD_S = 0.25
_LINE_PERIOD_S = 10.0
_HEALTH_STYLES = {"NORMAL": "green", "FAILURE": "bold red", "": "red"}
_LIGHT_STYLES = {"GREEN": "bold green", "RED": "red", "RED_FLASHING": "bold red", "AMBER_FLASHING": "yellow"}
_LANE_LENGTH_M = 32.0
_ROAD_CELLS = 40
# Below this the road gets lines of its own, and what only matters to a developer is left out.
_WIDE_COLUMNS = 115


async def show_live(run: GateRun) -> None:
    """Draw until cancelled."""
    with Live(console=Console(), screen=True, auto_refresh=False) as live:
        while True:
            live.update(draw(run, live.console.width), refresh=True)
            await asyncio.sleep(_PERIOD_S)


async def show_lines(run: GateRun) -> None:
    """Print one line about the gate every ten seconds, where there is no terminal to draw on, until cancelled."""
    while True:
        await asyncio.sleep(_LINE_PERIOD_S)
        lanes = ", ".join(f"{name} {lane['state']}" for name, lane in run.status.get("lanes", {}).items())
        print(f"gate: {lanes or tr('no hub')}; {_trucks(run)}; {_records(run.status)}", file=sys.stderr, flush=True)


def draw(run: GateRun, columns: int) -> Group:
    """One picture of the gate as it stands, for a terminal of that many columns."""
    is_wide = columns >= _WIDE_COLUMNS
    return Group(_lanes(run, is_wide), _devices(run.status, is_wide), _counters(run))


def _lanes(run: GateRun, is_wide: bool) -> Panel:
    table = _table(
        tr("lane"),
        tr("state"),
        tr("plate"),
        tr("weight"),
        "*" + tr("decision"),
        tr("boom"),
        tr("passed"),
        tr("back"),
        *[tr("road")] * is_wide,
    )
    roads = []
    for name in run.world.fields:
        lane = run.status.get("lanes", {}).get(name, {})
        barrier = run.status.get("devices", {}).get(lane.get("barrier", ""), {})
        road = _road(run, name, barrier.get("lights_word", ""))
        table.add_row(*_lane_row(run, name, lane, barrier), *[road] * is_wide)
        roads.append(Text.assemble((name, "bold"), "  ", road))
    return Panel(
        Group(table, *[] if is_wide else roads), title=tr("{site}: lanes", site=run.site.name), title_align="left"
    )


def _table(*titles: str) -> Table:
    """Columns keep their text in one line; only one whose title begins with a star gives way."""
    table = Table.grid(padding=(0, 1), expand=True)
    for title in titles:
        table.add_column(no_wrap=not title.startswith("*"), overflow="fold")
    table.add_row(*(Text(title.lstrip("*"), style="dim") for title in titles))
    return table


def _lane_row(run: GateRun, name: str, lane: dict[str, Any], barrier: dict[str, Any]) -> list[Text]:
    counts = run.world.counts(name)
    light = barrier.get("lights_word", "")
    words = [lane.get("decision", ""), *lane.get("attention", ())]
    state = Text(lane.get("state", tr("no hub")), style="bold" if lane.get("transaction") else "dim")
    return [
        Text(name, style="bold"),
        state,
        Text(lane.get("plate") or "-"),
        Text(_weight(lane.get("live_kg_x10"))),
        Text(", ".join(word for word in words if word) or "-"),
        Text(barrier.get("state", ""), style=_LIGHT_STYLES.get(light, "dim")),
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


def _devices(status: dict[str, Any], is_wide: bool) -> Panel:
    extra = (tr("polls"), tr("overruns"), tr("longest scan")) if is_wide else ()
    health = "*" + tr("health")
    table = _table(tr("device"), tr("line"), health, tr("state"), "CRC", tr("time-outs"), tr("boots"), *extra)
    for name, device in status.get("devices", {}).items():
        table.add_row(*_device_row(name, device, is_wide))
    return Panel(table, title=tr("devices"), title_align="left")


def _device_row(name: str, device: dict[str, Any], is_wide: bool) -> list[Text]:
    usable = device["quality"] != "bad"
    health = device["health"] if usable else device["reason"]
    reasons = f" ({', '.join(device['health_reasons'])})" if usable and device["health_reasons"] else ""
    row = [
        Text(name, style="bold"),
        Text(device["line"]),
        Text(f"{health}{reasons}", style=_HEALTH_STYLES.get(device["health"], "yellow") if usable else "bold red"),
        Text(device["state"]),
        Text(str((device["crc_errors_device"] or 0) + device["crc_errors_hub"])),
        Text(str(device["timeouts"])),
        Text(str(device["boot_count"])),
    ]
    extra = (str(device["poll_cycles"]), str(device["scan_overruns"]), f"{device['scan_max_us']} us")
    return row + [Text(cell) for cell in extra if is_wide]


def _counters(run: GateRun) -> Panel:
    uplink = run.status.get("uplink", {}).get("state", "-")
    parts = [
        tr("{name} {pid} ({count} restarts)", name=process.name, pid=process.pid or tr("down"), count=process.restarts)
        for process in run.processes
    ]
    records = f"{_records(run.status)}; " + tr("uplink {state}", state=uplink)
    lines = [_trucks(run), records, tr("processes: {what}; Ctrl-C ends", what=", ".join(parts))]
    return Panel(Text("\n".join(lines)), title=tr("counters"), title_align="left")


def _trucks(run: GateRun) -> str:
    counts = run.world.counts()
    return tr(
        "trucks: {entered} entered, {passed} passed, {turned_back} turned back, {in_lane} in the lanes, "
        "{waiting} waiting",
        **counts,
    )


def _records(status: dict[str, Any]) -> str:
    journal, uplink = status.get("journal", {}), status.get("uplink", {})
    told = {"count": journal.get("last_seq", "-"), "acked": uplink.get("acked", "-")}
    return tr("records: {count} journalled, {acked} acknowledged", **told)
