package parity.membership

out["list"] if 3 in input.xs

out["object"] if 1 in input.o

out["pair"] if 0, 3 in input.xs

out["missing"] := [x | some x in [1, 2]; not x in input.xs]
