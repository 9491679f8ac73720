package parity.pattern_arguments

pick([first, _]) := first

pick({"a": x, "b": _}) := x

out := [pick(x) | some x in input.xs]
