package parity.undefined_propagation

out := {"a": a, "c": c} if {
	a := object.get(input, "n", "absent")
	c := count([1 | input.none.such.field])
}
