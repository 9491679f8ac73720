package parity.set_comprehension

out := {type_name(x) | some x in input.xs}
