package parity.guard_rail

out.deny contains message if {
	some w in input.workloads
	w.namespace in {"kube-system", "pay"}
	message := sprintf("%s/%s: no policy here", [w.namespace, w.name])
}

out.warn contains message if {
	some c in [c | some w in input.workloads; some c in w.containers]
	not contains(c.image, "@sha256:")
	message := sprintf("%s is not pinned", [c.image])
}
