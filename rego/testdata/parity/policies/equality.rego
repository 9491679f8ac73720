package parity.equality

out := {"pairs": {[i, j] |
	some i, x in input.xs
	some j, y in input.xs
	i < j
	x == y
}}
