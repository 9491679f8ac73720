package parity.walk_count

out := count([1 | walk(input, [_, _])])
