package parity.networks

out := {x | some x in input.xs; net.cidr_contains(input.s, x)}
