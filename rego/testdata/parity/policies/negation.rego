package parity.negation

_has_owner(w) if w.labels.app

out := {w.name | some w in input.workloads; not _has_owner(w)}
