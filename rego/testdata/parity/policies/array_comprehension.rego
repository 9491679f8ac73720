package parity.array_comprehension

out := [upper(x) | some x in input.xs; is_string(x)]
