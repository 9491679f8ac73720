package parity.else_chain

out := "negative" if {
	input.n < 0
} else := "zero" if {
	input.n == 0
} else := "string" if {
	is_string(input.n)
} else := type_name(input.n)
