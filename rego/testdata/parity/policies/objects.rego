package parity.objects

out := {"union": object.union(input.o, {"a": {"z": 1}}), "keys": object.keys(input.o), "without": object.remove(input.o, ["a"]), "only": object.filter(input.o, ["a", "1"]), "get": object.get(input.o, ["b", "c", 1, "d"], "none")}
