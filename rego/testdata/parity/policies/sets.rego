package parity.sets

_a := {x | some x in input.xs}

_b := {1, 2, "z", null}

out := {"union": (_a | _b), "and": _a & _b, "minus": _a - _b, "size": count(_a), "member": 1 in _a, "equal": _a == _b}
