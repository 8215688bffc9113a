"""Following a network while it runs, operation by operation, to learn what its tensors depend on.

`recorder.record` runs a private copy of a model once and watches every tensor operation. `axes` holds what is
known of a tensor; `rules` says how each operation changes it, with `windows`, `shapes` and `mixing` for the
three kinds of operations; `macs` counts multiplications.
"""
