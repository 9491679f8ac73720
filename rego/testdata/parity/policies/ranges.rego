package parity.ranges

out := {"up": numbers.range(1, 5), "down": json.marshal(numbers.range(input.n, input.n - 3)), "step": numbers.range_step(0, 20, 7)}
