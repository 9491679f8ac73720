package parity.chained_rules

_edge contains w if {
	some w in input.workloads
	w.labels.tier == "edge"
}

_images contains c.image if {
	some w in _edge
	some c in w.containers
}

out := {"edge": count(_edge), "images": _images}
