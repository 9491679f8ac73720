package parity.subsets

out := {i | some i, w in input.workloads; object.subset(w, {"labels": {"tier": "edge"}})}
