package parity.walk_leaves

out := {concat("/", [sprintf("%v", [p]) | some p in path]): value |
	walk(input.o, [path, value])
	not is_object(value)
	not is_array(value)
}
