"""What may not stand in code that runs on MicroPython, each with its reason and its replacement.

Knows the rules D1-D12 of STYLE.md as a table; a rule looks at one node of the syntax tree. Must not know imports: those
are layers.py's. Scopes: `device` is every file that may reach a device; `pure` is protocols/, firmware/control/ and
the rig's core, the code that is proved by replaying it; `scan` is firmware/control/ alone.
"""

import ast
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tools.tidy.files import Source, parse_python

SMALL_INT_MAX = 2**30 - 1
HOST_ONLY = ("firmware/boards/host/", "firmware/proofs/", "protocols/registers/tag.py")
PURE = ("protocols/", "firmware/control/", "firmware/roles/")
RIG_SHELL = ("firmware/roles/rig/main.py", "firmware/roles/rig/shell.py")
# The file that asks which interpreter runs, and that forms ticks: the rules about both do not bind it.
COMPAT = "protocols/compat.py"
COMPAT_EXEMPT = frozenset({"interpreter-question", "tick-arithmetic", "work-at-import"})
# The file that knows what MicroPython brings on every port asks it what it loads.
INTERPRETER = "firmware/boards/interpreter.py"
# Numbers of a signature have 256 bits whatever the board; these run in slices outside of locked scans.
BIG_NUMBERS = ("protocols/ed25519.py", "protocols/sha512.py")

Check = Callable[[ast.AST], bool]


@dataclass(frozen=True)
class Rule:
    """One banned construct: where it is banned, why, and what to write instead.

    `unless_raised` lets it stand in a `raise` statement: a programmer's error may allocate.
    """

    name: str
    scope: str
    reason: str
    replacement: str
    check: Check
    unless_raised: bool = False


def _is_call_of(*names: str) -> Check:
    return lambda node: isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names


def _is_method(*names: str) -> Check:
    return lambda node: isinstance(node, ast.Attribute) and node.attr in names


def _is(*types: type[ast.AST]) -> Check:
    return lambda node: isinstance(node, types)


def _iterates_dict(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and not node.args and _is_method("items", "keys", "values")(node.func)


def _has_keywords(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("to_bytes", "from_bytes", "pack", "unpack", "pack_into", "unpack_from")
        and bool(node.keywords)
    )


def _deletes_slice(node: ast.AST) -> bool:
    return isinstance(node, ast.Delete) and any(
        isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Slice) for target in node.targets
    )


def _has_positional_only(node: ast.AST) -> bool:
    return isinstance(node, ast.arguments) and bool(node.posonlyargs)


def _has_packed_arguments(node: ast.AST) -> bool:
    return isinstance(node, ast.arguments) and (node.vararg is not None or node.kwarg is not None)


def _asks_interpreter(node: ast.AST) -> bool:
    asked = ("platform", "implementation", "version_info", "maxsize")
    if isinstance(node, ast.ImportFrom):
        return node.module == "sys" and any(alias.name in asked for alias in node.names)
    return (
        isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "sys"
        and node.attr in asked
    )


def _reads_time(node: ast.AST) -> bool:
    clocks = ("ticks_ms", "ticks_us", "ticks_cpu", "time", "time_ns", "monotonic", "sleep", "sleep_ms", "sleep_us")
    called = node.func if isinstance(node, ast.Call) else None
    if isinstance(called, ast.Name):
        return called.id in clocks
    owner = called.value if isinstance(called, ast.Attribute) else None
    return isinstance(owner, ast.Name) and owner.id in ("time", "utime")


def _is_float(node: ast.AST) -> bool:
    if isinstance(node, ast.Constant):
        return isinstance(node.value, (float, complex))
    if isinstance(node, (ast.BinOp, ast.AugAssign)):
        return isinstance(node.op, ast.Div)
    return _is_call_of("float", "round")(node)


def _is_large_integer(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) is int and abs(node.value) > SMALL_INT_MAX


def _is_tick(node: ast.AST) -> bool:
    name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
    return name.lstrip("_") in ("now_ms", "now_us") or "deadline" in name


def _computes_ticks(node: ast.AST) -> bool:
    if isinstance(node, ast.Compare):
        sides = (node.left, *node.comparators)
        ordered = any(isinstance(op, (ast.Lt, ast.LtE, ast.Gt, ast.GtE)) for op in node.ops)
        to_constant = any(isinstance(side, ast.Constant) for side in sides)  # a sentinel such as "deadline >= 0"
        return ordered and not to_constant and any(map(_is_tick, sides))
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub)):
        return _is_tick(node.left) or _is_tick(node.right)
    return isinstance(node, ast.AugAssign) and _is_tick(node.target)


def _has_two_stars(node: ast.AST) -> bool:
    if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
        return sum(isinstance(item, ast.Starred) for item in node.elts) > 1
    return isinstance(node, ast.Call) and sum(isinstance(item, ast.Starred) for item in node.args) > 1


def _is_rich_class(node: ast.AST) -> bool:
    return isinstance(node, ast.ClassDef) and bool(node.keywords or node.decorator_list)


def _has_closure(node: ast.AST) -> bool:
    if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return False
    inner = (item for statement in node.body for item in ast.walk(statement))
    return any(isinstance(item, (ast.FunctionDef, ast.AsyncFunctionDef)) for item in inner)


def _works_at_import(node: ast.AST) -> bool:
    if not isinstance(node, ast.Module):
        return False
    quiet = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Assign, ast.AnnAssign)
    return not all(isinstance(item, quiet) or _is_text(item) for item in node.body)


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _raises_from(node: ast.AST) -> bool:
    return isinstance(node, ast.Raise) and node.cause is not None


def _is_rich_annotation(node: ast.AST) -> bool:
    """A subscript other than list[...], dict[...], tuple[...]; or a text that hides one."""
    annotation = node.annotation if isinstance(node, (ast.arg, ast.AnnAssign)) else None
    annotation = node.returns if isinstance(node, ast.FunctionDef) else annotation
    if annotation is None:
        return False
    simple = ("list", "dict", "tuple", "type")
    return any(
        isinstance(item, ast.Subscript) and not (isinstance(item.value, ast.Name) and item.value.id in simple)
        for item in ast.walk(annotation)
    )


RULES = (
    Rule("match", "device", "mpy-cross refuses `match`", "write if and elif on integer constants", _is(ast.Match)),
    Rule("except-group", "device", "mpy-cross refuses `except*`", "write `except`", _is(ast.TryStar)),
    Rule(
        "positional-only",
        "device",
        "mpy-cross refuses `/` in parameters",
        "leave the `/` out",
        _has_positional_only,
    ),
    Rule(
        "two-stars",
        "device",
        "MicroPython takes one star-unpacking per literal or call",
        "join the parts first",
        _has_two_stars,
    ),
    Rule(
        "rich-class",
        "device",
        "decorated classes, dataclasses and metaclasses do not exist on MicroPython",
        "write a plain class that sets its attributes in __init__",
        _is_rich_class,
    ),
    Rule(
        "rich-annotation",
        "device",
        "only builtin names in annotations mean the same on both interpreters (D1)",
        "annotate with builtins, or put the rest into a .pyi beside the file",
        _is_rich_annotation,
    ),
    Rule(
        "keyword-bytes",
        "device",
        "MicroPython's to_bytes, from_bytes and struct take no keywords (D7)",
        "pass the arguments by position, or use protocols.bigendian",
        _has_keywords,
    ),
    Rule(
        "missing-method",
        "device",
        "the method does not exist on MicroPython",
        "compute it with shifts, startswith or struct.unpack_from",
        _is_method("bit_length", "bit_count", "removeprefix", "removesuffix", "iter_unpack", "_replace", "_asdict"),
    ),
    Rule(
        "struct-class", "device", "struct.Struct does not exist on MicroPython", "use pack_into", _is_method("Struct")
    ),
    Rule(
        "delete-slice",
        "device",
        "deleting a slice fails on MicroPython's bytearray and moves memory everywhere (D3)",
        "keep an index, or compact by assigning bytes one by one",
        _deletes_slice,
    ),
    Rule(
        "raise-from",
        "device",
        "MicroPython drops the cause and prints a warning",
        "raise without `from`, and say it all in the text",
        _raises_from,
    ),
    Rule(
        "interpreter-question",
        "device",
        "which interpreter or platform runs is asked in protocols/compat.py only (D12)",
        "make the difference a port in firmware/ports.py, or put it into compat.py",
        _asks_interpreter,
    ),
    Rule(
        "global-state",
        "device",
        "two devices in one process would share it",
        "keep the value in an object that main hands on",
        _is(ast.Global, ast.Nonlocal),
    ),
    Rule(
        "coroutine",
        "device",
        "a scan has one worst-case time, a coroutine has none",
        "write a poll or step method that returns at once",
        _is(ast.AsyncFunctionDef, ast.Await),
    ),
    Rule(
        "work-at-import",
        "pure",
        "importing must not do anything but define (D10)",
        "move the statement into a function",
        _works_at_import,
    ),
    Rule(
        "text-format",
        "pure",
        "formatting a text allocates on every call (D5)",
        "return an integer code; hosts have the names in protocols/registers/*_tags.py",
        lambda node: isinstance(node, ast.JoinedStr) or _is_method("format")(node),
        unless_raised=True,
    ),
    Rule(
        "float",
        "pure",
        "32-bit and 64-bit floats differ, and every float allocates (D4)",
        "use scaled integers, with the scale in the name, and //",
        _is_float,
    ),
    Rule(
        "large-integer",
        "pure",
        "integers above 2**30 - 1 allocate on 32-bit boards (D4)",
        "scale down, or split into 16-bit words as protocols.bigendian does",
        _is_large_integer,
    ),
    Rule(
        "clock",
        "pure",
        "pure code is given the time, so that it can be replayed (D8)",
        "take now_ms as a parameter",
        _reads_time,
    ),
    Rule(
        "tick-arithmetic",
        "device",
        "ticks wrap after 2**30: `<`, `+` and `-` fail after days (D8)",
        "use ticks_diff and ticks_add of protocols.compat",
        _computes_ticks,
    ),
    Rule(
        "closure",
        "pure",
        "a closure or lambda allocates when it is made (D5)",
        "write a method or a function of the module",
        lambda node: isinstance(node, ast.Lambda) or _has_closure(node),
    ),
    Rule(
        "generator",
        "pure",
        "a generator allocates on every call (D5)",
        "fill a buffer that was allocated in __init__",
        _is(ast.Yield, ast.YieldFrom, ast.GeneratorExp),
    ),
    Rule(
        "packed-arguments",
        "pure",
        "*args and **kwargs allocate on every call (D5)",
        "name the parameters",
        _has_packed_arguments,
    ),
    Rule(
        "dict-order",
        "pure",
        "MicroPython's dicts have no order (D6)",
        "use a tuple, or an integer-indexed list",
        _iterates_dict,
    ),
    Rule(
        "console",
        "pure",
        "pure code has no console and no files",
        "write an event, a status or a result code",
        _is_call_of("print", "input", "open"),
    ),
    Rule(
        "exception",
        "scan",
        "a scan must go on whatever the field does: it never raises",
        "show it as quality, fault bit and event, and drive the safe output",
        _is(ast.Raise),
    ),
)


def check_banned(sources: Iterable[Source]) -> list[str]:
    """Every banned construct in dual-run code, as findings."""
    findings = []
    for source, tree in parse_python(sources):
        rules = _rules_for(source.path)
        raised = {inner for node in ast.walk(tree) if isinstance(node, ast.Raise) for inner in ast.walk(node)}
        for node in ast.walk(tree) if rules else ():
            binding = (rule for rule in rules if not (rule.unless_raised and node in raised))
            findings += [_tell(source, node, rule) for rule in binding if rule.check(node)]
    return findings


def _rules_for(path: str) -> list[Rule]:
    if not path.startswith(("protocols/", "firmware/")) or path.startswith(HOST_ONLY) or path.endswith("_tags.py"):
        return []
    scopes = {"device"}
    if path.startswith(PURE) and path not in RIG_SHELL:
        scopes.add("pure")
    if path.startswith("firmware/control/"):
        scopes.add("scan")
    exempt = _exempt(path)
    return [rule for rule in RULES if rule.scope in scopes and rule.name not in exempt]


def _exempt(path: str) -> frozenset[str]:
    if path == COMPAT:
        return COMPAT_EXEMPT
    if path == INTERPRETER:
        return frozenset({"interpreter-question"})
    return frozenset({"large-integer"}) if path in BIG_NUMBERS else frozenset()


def _tell(source: Source, node: ast.AST, rule: Rule) -> str:
    return source.finding(getattr(node, "lineno", 1), f"[{rule.name}] {rule.reason}; {rule.replacement}")
