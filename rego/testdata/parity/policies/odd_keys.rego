package parity.odd_keys

out := {1: "number", null: "null", true: "bool", [1, "a"]: "array", {"k": 1}: "object", "n": object.get({input.n: "found"}, 7, "no")}
