package parity.iteration_by_index

out := [sprintf("%d:%v", [i, type_name(input.xs[i])]) | some i; input.xs[i]]
