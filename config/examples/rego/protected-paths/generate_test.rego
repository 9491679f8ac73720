package guardbee.generate_test

import data.guardbee.generate

protected := {"keys": ["/etc/ssl/private/"]}

policies(labels) := found if {
	found := generate.policies with input as {"namespace": {"name": "shop", "labels": labels}}
		with data.protected as protected
}

paths(found) := {path |
	some policy in found
	some path in policy.spec.kprobes[0].selectors[0].matchArgs[0].values
}

test_protects_what_the_label_names if {
	found := policies({"protect": "keys"})
	paths(found) == {"/etc/ssl/private/"}
	{policy.metadata | some policy in found} == {{"name": "protected-paths", "namespace": "shop"}}
}

test_nothing_for_a_name_that_has_no_paths if policies({"protect": "nothing"}) == set()

test_nothing_without_the_label if policies({}) == set()
