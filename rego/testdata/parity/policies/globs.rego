package parity.globs

out := {c.image | some w in input.workloads; some c in w.containers; glob.match("registry.example/**", ["/"], c.image)}
