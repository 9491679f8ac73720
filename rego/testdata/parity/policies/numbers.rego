package parity.numbers

out := {
	"sum": json.marshal(input.n + 1),
	"difference": json.marshal(input.n - 0.5),
	"product": json.marshal(input.n * 3),
	"floor": json.marshal(floor(input.n)),
	"ceil": json.marshal(ceil(input.n)),
	"round": json.marshal(round(input.n)),
	"abs": json.marshal(abs(input.n)),
}
