package parity.multiple_bodies

out contains "n" if input.n

out contains "s" if input.s

out contains "both" if {
	input.n
	input.s
}
