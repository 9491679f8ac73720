package parity.nested_comprehension

out := {ns: names |
	some ns in {w.namespace | some w in input.workloads}
	names := {w.name | some w in input.workloads; w.namespace == ns}
}
