package parity.numbers

out := {
	"sum": input.n + 1,
	"difference": input.n - 0.5,
	"product": input.n * 3,
	"floor": floor(input.n),
	"ceil": ceil(input.n),
	"round": round(input.n),
	"abs": abs(input.n),
}
