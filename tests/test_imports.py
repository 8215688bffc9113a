"""Who may import whom, and what the way to the first picture must not import."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
OURS = {"app", "explorer", "models", "pages", "tests", "benchmarks"}
LATE = {"torchvision", "timm", "captum", "matplotlib", "skimage", "scipy"}


def sources(package):
    return sorted((ROOT / package).rglob("*.py"))


def imported(tree, *, at_import_time=False):
    """Full names of the modules that a file imports; with `at_import_time` not those inside functions."""
    names, todo = set(), [tree]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module if not node.level else f".{node.module or ''}")
        elif at_import_time and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        elif at_import_time and isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            todo.extend(node.orelse)
            continue
        todo.extend(ast.iter_child_nodes(node))
    return names


def top_level(names):
    return {name.partition(".")[0] for name in names}


COMMAND_LINE = ("explorer/cli.py", "explorer/cli_models.py")


def forbidden_imports(path, tree):
    """The top-level packages that the file at `path` (relative to the root) imports and must not."""
    package = path.with_suffix("").parts[0]
    allowed = {
        "app": {"pages"},
        "pages": {"explorer", "models", "pages"},
        "explorer": {"explorer", "models"} if path.as_posix() in COMMAND_LINE else {"explorer"},
        "models": {"models"},
    }[package]
    not_ours = {"streamlit"} if package in {"explorer", "models"} else set()
    return (
        top_level(imported(tree)) & (OURS - allowed | not_ours)
        | top_level(imported(tree, at_import_time=True)) & LATE
    )


def streamlit_state(tree):
    """What of Streamlit's caches and of its state a file touches."""
    names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    names |= {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and top_level({node.module or ""}) == {"streamlit"}
        for alias in node.names
    }
    return names & {"cache_data", "cache_resource", "session_state", "query_params"}


def misplaced_state(path, tree):
    owner = {
        "pages/cache.py": {"cache_data", "cache_resource"},
        "pages/state.py": {"session_state", "query_params"},
    }
    return streamlit_state(tree) - owner.get(path.as_posix(), set())


FILES = [
    path.relative_to(ROOT)
    for path in (
        ROOT / "app.py",
        *(path for name in ("explorer", "models", "pages") for path in sources(name)),
    )
]


@pytest.mark.parametrize("path", FILES, ids=str)
def test_imports_point_one_way(path):
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    assert not forbidden_imports(path, tree)
    assert not misplaced_state(path, tree)


def test_the_packages_are_looked_at():
    assert {path.parts[0] for path in FILES} >= {"app.py", "explorer", "models"}
    assert Path("models/registry.py") in FILES


@pytest.mark.parametrize(
    ("path", "code", "found"),
    [
        ("explorer/layers.py", "import models", {"models"}),
        ("explorer/cli.py", "import models", set()),
        ("explorer/sub/cli.py", "def f():\n    from models import load", {"models"}),
        ("explorer/layers.py", "def f():\n    import streamlit as st", {"streamlit"}),
        ("explorer/layers.py", "if TYPE_CHECKING:\n    from pages.state import State", {"pages"}),
        ("models/spec.py", "from explorer.images import Picture", {"explorer"}),
        ("models/spec.py", "import streamlit.testing.v1", {"streamlit"}),
        ("pages/layer.py", "import explorer.layers, models, streamlit, pages.state", set()),
        ("pages/layer.py", "from tests import helpers", {"tests"}),
        ("app.py", "import streamlit, explorer.layers", {"explorer"}),
        ("explorer/attribution.py", "import captum.attr", {"captum"}),
        ("explorer/attribution.py", "try:\n    import captum.attr\nfinally:\n    pass", {"captum"}),
        ("explorer/attribution.py", "class A:\n    import scipy", {"scipy"}),
        ("explorer/attribution.py", "def f():\n    import captum.attr", set()),
        ("explorer/attribution.py", "if TYPE_CHECKING:\n    import matplotlib.figure", set()),
    ],
)
def test_a_wrong_import_is_found(path, code, found):
    assert forbidden_imports(Path(path), ast.parse(code)) == found


@pytest.mark.parametrize(
    ("path", "code", "found"),
    [
        ("pages/layer.py", "@st.cache_data\ndef f(): ...", {"cache_data"}),
        ("pages/layer.py", "@st.cache_resource(max_entries=2)\ndef f(): ...", {"cache_resource"}),
        ("pages/layer.py", "from streamlit import session_state", {"session_state"}),
        ("pages/layer.py", "st.query_params['x'] = 1", {"query_params"}),
        ("pages/cache.py", "@st.cache_data\ndef f(): ...", set()),
        ("pages/cache.py", "st.session_state['x'] = 1", {"session_state"}),
        ("pages/state.py", "st.session_state['x'] = st.query_params['x']", set()),
        ("pages/widgets/cache.py", "st.cache_data(f)", {"cache_data"}),
    ],
)
def test_misplaced_state_is_found(path, code, found):
    assert misplaced_state(Path(path), ast.parse(code)) == found


def fresh_interpreter(code):
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_the_first_picture_needs_none_of_the_slow_packages():
    printed = fresh_interpreter("""if True:
        import sys
        import explorer, models
        from explorer.images import decode
        from explorer.samples import sample_bytes

        model = models.load()
        x = model.preprocess(decode(sample_bytes("chelsea")))
        activations = explorer.capture(model.module, x, "blocks.2")
        best, *_ = models.top_predictions(activations.output, model.labels)
        print(best.index, *sorted(name.partition(".")[0] for name in sys.modules))
    """)
    assert printed[0] in {"281", "282", "285"}  # a cat
    assert "torch" in printed
    assert not LATE & set(printed)


def test_importing_the_packages_imports_nothing():
    printed = fresh_interpreter("""if True:
        import sys
        import explorer, models
        print(*sorted(name.partition(".")[0] for name in sys.modules))
    """)
    assert "models" in printed
    assert not {"torch", "numpy", "PIL", "streamlit"} & set(printed)
