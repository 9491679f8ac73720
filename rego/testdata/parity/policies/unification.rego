package parity.unification

out := {"v": v, "w": w} if {
	{"n": v, "s": w} = {"n": input.n, "s": input.s}
	[v, _] = [input.n, 1]
}
