package parity.set_of_sets

out := {"sets": {{x, 1} | some x in input.xs}, "empty": set(), "nested": {"s": {[1, {2}], {"k": {3}}}}}
