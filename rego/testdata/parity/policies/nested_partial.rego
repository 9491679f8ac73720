package parity.nested_partial

out[w.namespace][w.name] contains c.image if {
	some w in input.workloads
	some c in w.containers
}
