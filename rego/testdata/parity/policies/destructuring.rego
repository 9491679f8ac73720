package parity.destructuring

out := [[a, rest] | some x in input.xs; [a, rest] = [x, type_name(x)]]
