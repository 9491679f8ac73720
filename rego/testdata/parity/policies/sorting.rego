package parity.sorting

out := {"sorted": sort(input.xs), "set": sort({x | some x in input.xs}), "max": max(input.xs), "min": min(input.xs)}
