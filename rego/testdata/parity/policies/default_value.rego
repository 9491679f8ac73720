package parity.default_value

default out := {"verdict": "none"}

out := {"verdict": "big"} if input.n > 100

out := {"verdict": "small"} if input.n < 5
