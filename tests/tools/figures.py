"""Print the figures of the code that CONTRIBUTING asks for: folders, files, functions, comments, circles.

python tests/tools/figures.py
"""

from __future__ import annotations

import ast
import tokenize
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("ecgimg", "layouts", "synth")


def modules() -> dict[str, Path]:
    """Return every module by its dotted name."""
    files = (file for package in PACKAGES for file in sorted((ROOT / package).rglob("*.py")))
    return {_name(file): file for file in files}


def _name(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def function_lengths(file: Path) -> list[tuple[int, str]]:
    """Return (lines, name) of every function of a file."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    nodes = (node for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))) if isinstance(node, kinds))
    return [(node.end_lineno - node.lineno + 1, f"{_name(file)}.{node.name}") for node in nodes]


def comment_lines(file: Path) -> int:
    """Return how many lines of a file have a comment."""
    with tokenize.open(file) as stream:
        return sum(token.type == tokenize.COMMENT for token in tokenize.generate_tokens(stream.readline))


def imports(file: Path, known: dict[str, Path]) -> Iterator[str]:
    """Yield the modules that a module imports, as it is loaded or late in a function; not those for its types alone."""
    for node in _executed(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in known else node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def _executed(node: ast.AST) -> Iterator[ast.AST]:
    """Yield a node and those below it, but for blocks that only type checkers read."""
    yield node
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"):
            yield from _executed(child)


def circles(graph: dict[str, set[str]]) -> list[str]:
    """Return the modules from which a way through imports leads back to themselves."""

    def reaches(start: str) -> bool:
        seen: set[str] = set()
        waiting = [*graph[start]]
        while waiting:
            name = waiting.pop()
            if name == start:
                return True
            if name not in seen:
                seen.add(name)
                waiting += graph.get(name, ())
        return False

    return [name for name in graph if reaches(name)]


def main() -> None:
    """Print the figures."""
    known = modules()
    folders = Counter(file.parent.relative_to(ROOT).as_posix() for file in known.values())
    lines = {name: len(file.read_text(encoding="utf-8").splitlines()) for name, file in known.items()}
    functions = sorted((each for file in known.values() for each in function_lengths(file)), reverse=True)
    lengths = [length for length, _ in functions]
    comments = sum(comment_lines(file) for file in known.values())
    graph = {name: {each for each in imports(file, known) if each in known} - {name} for name, file in known.items()}
    print("largest folders:", ", ".join(f"{name} {count}" for name, count in folders.most_common(5)))
    print("longest files:", ", ".join(f"{name} {lines[name]}" for name in sorted(lines, key=lines.get)[:-6:-1]))
    print("longest functions:", ", ".join(f"{name} {length}" for length, name in functions[:8]))
    print(f"functions: {len(lengths)}, median {lengths[len(lengths) // 2]}, p90 {lengths[len(lengths) // 10]} lines")
    print(f"comments: {100 * comments / sum(lines.values()):.1f} % of {sum(lines.values())} lines")
    print("in circles:", ", ".join(circles(graph)) or "none")


if __name__ == "__main__":
    main()
