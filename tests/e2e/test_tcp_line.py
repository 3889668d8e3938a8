"""The same lane with its hub on Modbus TCP instead of the serial line: the devices do not know the difference."""

import asyncio
from dataclasses import replace
from pathlib import Path

from hil.bench.children import free_ports
from tests.e2e import gate_site
from tests.e2e.gate_site import gate, hasty_truck, settled, until

_TCP_LINE = '[[line]]\nname = "{name}"\nkind = "tcp"\nhost = "127.0.0.1"\nport = {port}\n'


def _over_tcp(site: gate_site.RigSite) -> gate_site.RigSite:
    """`site` with a hub whose site file reaches each device by a TCP line of its own."""
    rtu = site.path.read_text()
    head, _, devices = rtu.partition("[[device]]")
    head = head[: head.index("[[line]]")]
    lane = site.lanes[0]
    for node in (lane.barrier, lane.weighbridge):
        head += _TCP_LINE.format(name=f"tcp-{node.name}", port=node.tcp_port) + "\n"
        devices = devices.replace(
            f'name = "{node.name}"\nline = "line1"', f'name = "{node.name}"\nline = "tcp-{node.name}"'
        )
    path = site.path.with_name("tcp.toml")
    path.write_text(f"{head}[[device]]{devices}")
    return replace(site, path=path)


def test_a_truck_passes_with_the_hub_on_modbus_tcp(tmp_path: Path, deploy_dir: Path) -> None:
    port, _ = free_ports(2)  # of the barrier and the weighbridge
    path = gate_site.write_site(tmp_path, extra=f"[simulation]\nmodbus_tcp_port = {port}\n")
    site = _over_tcp(gate_site.rig_site(path))

    async def body() -> None:
        async with gate(site, deploy_dir) as run:
            assert set(run.status["lines"]) == {"tcp-barrier1", "tcp-weighbridge1"}
            run.world.arrive("L1", hasty_truck(1))
            await until(
                run, lambda: run.world.counts()["passed"] == 1 and gate_site.is_idle(run), "the truck has passed"
            )
            await settled(run)
            assert run.world.lines["line1"].line.counters.carried == 0

    asyncio.run(body())
    gate_site.check_books_of(site)
