package parity.object_comprehension

out := {w.name: count(w.containers) | some w in input.workloads; w.namespace != "y"}
