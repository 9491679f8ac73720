package parity.ref_heads

out.counts.workloads := count(input.workloads)

out.counts.nodes := count(input.nodes)

out.first := input.xs[0]
