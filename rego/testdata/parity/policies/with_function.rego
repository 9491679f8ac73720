package parity.with_function

_fake(_) := "mocked"

_loud(s) := upper(s)

out["real"] := _loud(input.s)

out["mocked"] := v if v := _loud("x") with upper as _fake
