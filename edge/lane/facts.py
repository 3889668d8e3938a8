"""What a lane is shown at each step: integers and strings with a quality per device, nothing that can change under it.

Knows: the shape of the facts. Must not know: Modbus, cameras, the journal. Numbers are those of the register maps.
`seen_ms` is the monotonic time of the last complete poll, on the clock that `LaneMachine.step` is given.
"""

from dataclasses import dataclass

OPERATOR_OPEN = "open"
OPERATOR_CLOSE = "close"
OPERATOR_RELEASE = "release"
OPERATOR_REJECT = "reject"
OPERATOR_REQUESTS = (OPERATOR_OPEN, OPERATOR_CLOSE, OPERATOR_RELEASE, OPERATOR_REJECT)


@dataclass(frozen=True, slots=True)
class BarrierFacts:
    """The barrier as last seen; the words are the map's (protocols/registers/barrier.toml)."""

    online: bool = False
    seen_ms: int = 0
    quality: str = "bad"
    state: int = 0
    mode: int = 0
    faults: int = 0
    presence: int = 0
    lights: int = 0
    health: int = 0
    passes: int = 0
    boot: int = 0


@dataclass(frozen=True, slots=True)
class WeighbridgeFacts:
    """The weighbridge as last seen; weights in 0.1 kg."""

    online: bool = False
    seen_ms: int = 0
    quality: str = "bad"
    state: int = 0
    faults: int = 0
    flags: int = 0
    health: int = 0
    gross_kg_x10: int = 0
    registered_kg_x10: int = 0
    registered_id: int = 0
    registered_count: int = 0
    boot: int = 0


@dataclass(frozen=True, slots=True)
class PlateFact:
    """The last plate read of the lane's camera. `read_id` differs for every read; `plate` is "" for "no read".

    `seen_ms` is when the hub received it, on the monotonic clock (a camera's own clock is not trusted for order).
    """

    read_id: str
    plate: str
    confidence: int
    seen_ms: int


@dataclass(frozen=True, slots=True)
class CommandOutcome:
    """What became of one `SendCommand`: `ok` means the device accepted it; `reason` is the map's word otherwise."""

    token: int
    ok: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class OperatorRequest:
    """What a person asks of the lane: one of OPERATOR_REQUESTS, who (the operating system's word), and why."""

    request: str
    user: str = ""
    uid: int = -1
    reason: str = ""


@dataclass(frozen=True, slots=True)
class LaneFacts:
    """Everything one step is told. `outcomes` and `operator` are shown once, in the step after they came.

    `is_withheld`: the hub wants the lane out of service, for as long as it is set.
    """

    barrier: BarrierFacts = BarrierFacts()
    weighbridge: WeighbridgeFacts = WeighbridgeFacts()
    plate: PlateFact | None = None
    outcomes: tuple[CommandOutcome, ...] = ()
    operator: OperatorRequest | None = None
    is_withheld: bool = False
