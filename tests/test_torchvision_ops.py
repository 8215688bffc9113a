"""Importing torchvision where its compiled operators fit PyTorch, and where they don't."""

import subprocess
import sys
from pathlib import Path
from textwrap import dedent

from models.torchvision_ops import declare_missing_operators, import_torchvision

ROOT = Path(__file__).resolve().parents[1]

# Writes down every schema that anybody declares for torchvision from then on.
RECORD = """
import torch
declared = []
define = torch.library.Library.define
def recording(self, schema, *args, **kwargs):
    if self.ns == "torchvision":
        declared.append(schema.partition("(")[0])
    return define(self, schema, *args, **kwargs)
torch.library.Library.define = recording
"""

DEFINE = """
owner = torch.library.Library("torchvision", "DEF")
owner.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
owner.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
"""


def fresh_interpreter(*parts, path=()):
    """Run the code in a new process and return what it printed; warnings are errors there, too."""
    code = "\n".join(dedent(part) for part in parts)
    paths = [*map(str, path), str(ROOT)]
    command = [sys.executable, "-W", "error", "-c", f"import sys\nsys.path[:0] = {paths!r}\n{code}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def fake_torchvision(folder):
    """A package of that name with a file where the compiled operators are."""
    package = folder / "torchvision"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "_C.so").write_bytes(b"not a library")
    return folder


def test_torchvision_is_imported_in_a_fresh_interpreter_from_several_threads():
    printed = fresh_interpreter("""
        from concurrent.futures import ThreadPoolExecutor
        from models.torchvision_ops import import_torchvision
        with ThreadPoolExecutor(4) as pool:
            started = [pool.submit(import_torchvision) for _ in range(4)]
            modules = {id(each.result()) for each in started}
        import torch, torchvision
        assert modules == {id(torchvision)}
        net = torchvision.models.squeezenet1_1(weights=None, num_classes=5)
        print(tuple(net(torch.zeros(1, 3, 48, 33)).shape))
    """)
    assert "".join(printed) == "(1,5)"


def test_it_adds_nothing_where_the_operators_exist():
    printed = fresh_interpreter(
        RECORD,
        DEFINE,
        """
        declared.clear()
        from models.torchvision_ops import declare_missing_operators
        assert declare_missing_operators() == ()
        print("declared", len(declared))
        """,
    )
    assert printed == ["declared", "0"]


def test_it_adds_only_the_operator_that_is_missing():
    printed = fresh_interpreter(
        RECORD,
        """
        owner = torch.library.Library("torchvision", "DEF")
        owner.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        declared.clear()
        torch.ops.load_library = lambda path: None
        from models.torchvision_ops import declare_missing_operators
        declare_missing_operators()
        print(*declared)
        """,
    )
    assert printed == ["qnms"]


def test_a_matching_pair_brings_its_own_operators(tmp_path):
    """Where torchvision's library loads, it defines the operators; a declaration before it would clash."""
    printed = fresh_interpreter(
        RECORD,
        f"def load_library(path):\n    exec({DEFINE!r}, globals())\n    print(path)\n    declared.clear()",
        """
        torch.ops.load_library = load_library
        from models.torchvision_ops import import_torchvision
        import_torchvision()
        print("declared", len(declared))
        """,
        path=[fake_torchvision(tmp_path)],
    )
    assert printed == [str(tmp_path / "torchvision" / "_C.so"), "declared", "0"]


def test_a_library_that_does_not_load_is_replaced_by_declarations(tmp_path):
    printed = fresh_interpreter(
        RECORD,
        """
        from models.torchvision_ops import import_torchvision
        import_torchvision()
        import_torchvision()
        print(*declared)
        print(torch.ops.torchvision.nms.default._schema)
        """,
        path=[fake_torchvision(tmp_path)],
    )
    assert printed[:2] == ["nms", "qnms"]
    assert (
        " ".join(printed[2:]) == "torchvision::nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
    )


def test_already_imported():
    torchvision = import_torchvision()
    assert sys.modules["torchvision"] is torchvision
    assert declare_missing_operators() == ()
    assert import_torchvision() is torchvision
