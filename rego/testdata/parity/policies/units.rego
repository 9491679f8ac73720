package parity.units

out := [units.parse_bytes(x) | some x in ["1Ki", "1.5MB", input.s, "10"]]
