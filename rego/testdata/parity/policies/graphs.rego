package parity.graphs

out := {"reach": graph.reachable(input.g, {"a"}), "paths": graph.reachable_paths(input.g, ["a", "x"])}
