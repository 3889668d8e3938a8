"""From the map files of a repository to the text of every derived file.

Knows where the maps are and where the outputs go. Must not know what stands in them.
"""

from pathlib import Path

from tools.regmap.emit_device import emit_device
from tools.regmap.emit_image import emit_image
from tools.regmap.emit_markdown import emit_markdown
from tools.regmap.emit_tags import emit_tags
from tools.regmap.load import load_file
from tools.regmap.model import HEADER, MapFile, Problems, RoleMap
from tools.regmap.validate import validate

MAPS = "protocols/registers"
OUTPUTS = {
    "protocols/registers/{}.py": emit_device,
    "protocols/registers/{}_tags.py": emit_tags,
    "sim_devices/images/{}.json": emit_image,
    "docs/registers/{}.md": emit_markdown,
}


def load_maps(root: Path, problems: Problems) -> list[RoleMap]:
    """Read and check every role map under `root`; an empty list when anything is wrong."""
    names = sorted(path.stem for path in (root / MAPS).glob("*.toml") if path.stem != HEADER)
    header = load_file(root / MAPS / f"{HEADER}.toml", f"{MAPS}/{HEADER}.toml", problems)
    roles = [load_file(root / MAPS / f"{name}.toml", f"{MAPS}/{name}.toml", problems) for name in names]
    if header is None:
        return []
    present = [role for role in roles if role is not None]
    validate(header, present, problems)
    return [] if problems else [_join(header, role) for role in present]


def _join(header: MapFile, role: MapFile) -> RoleMap:
    if header.ring is None or header.update_window is None:
        raise ValueError("a header without a ring or an update window was not refused")
    return RoleMap(header, role, header.ring, header.update_window)


def generate(root: Path, problems: Problems) -> dict[str, str]:
    """Path relative to `root` -> text of every derived file; empty when the maps are refused."""
    return {
        pattern.format(role_map.role.name): emit(role_map)
        for role_map in load_maps(root, problems)
        for pattern, emit in OUTPUTS.items()
    }


def stale_files(root: Path, files: dict[str, str]) -> list[str]:
    """Derived files that are missing, differ, or belong to no map any more; sorted paths relative to `root`."""
    stale = [path for path, text in files.items() if _read(root / path) != text]
    for pattern in OUTPUTS:
        folder = root / Path(pattern).parent
        found = sorted(folder.glob(Path(pattern).name.format("*")))
        stale += [f"{path.relative_to(root)}" for path in found if _is_orphan(path, f"{path.relative_to(root)}", files)]
    return sorted(set(stale))


def _is_orphan(path: Path, name: str, files: dict[str, str]) -> bool:
    first_line = (_read(path) or "").partition("\n")[0]
    return name not in files and "tools/regmap" in first_line


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None


def write_files(root: Path, files: dict[str, str], stale: list[str]) -> None:
    """Write what is stale and remove what no map asks for; prints each path."""
    for path in stale:
        target = root / path
        if path in files:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(files[path], encoding="utf-8")
            print(f"wrote {path}")
        else:
            target.unlink()
            print(f"removed {path}")
