package parity.with_input

_limit := object.get(input, "n", 10)

out["plain"] := _limit

out["replaced"] := v if v := _limit with input as {"n": 3}

out["nested"] := v if v := _limit with input.n as "x"
