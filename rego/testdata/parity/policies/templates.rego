package parity.templates

out := $"n is {input.n}, s is {input.s}, size is {count(input.xs)}, sum is {input.n + 1}"
