package parity.partial_object

out[key] := value if {
	some i, w in input.workloads
	key := sprintf("%v-%v", [i, w.name])
	value := object.get(w, ["labels", "app"], "none")
}
