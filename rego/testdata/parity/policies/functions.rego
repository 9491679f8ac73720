package parity.functions

double(x) := 2 * x

fact(n) := product(numbers.range(1, n))

clamp(x, _, high) := high if x > high

clamp(x, low, _) := low if x < low

clamp(x, low, high) := x if {
	x >= low
	x <= high
}

out := {"double": double(input.n), "fact": fact(min({input.n, 15})), "clamp": clamp(input.n, 1, 10)}
