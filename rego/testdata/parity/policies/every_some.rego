package parity.every_some

out["all_edge"] if {
	count(input.workloads) > 0
	every w in input.workloads {
		w.labels.tier == "edge"
	}
}

out["keys"] := [i | some i, x in input.xs; is_number(x)]

out["every_indexed"] if every i, x in input.xs {
	i < 3
	x != null
}
