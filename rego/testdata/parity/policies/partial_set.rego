package parity.partial_set

out contains w.name if {
	some w in input.workloads
	w.labels.tier == "edge"
}

out contains sprintf("node/%v", [n.name]) if some n in input.nodes
