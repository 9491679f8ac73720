package parity.versions

out := {
	"newest": [v | some v in data.corpus.versions; every o in data.corpus.versions {
		semver.compare(v, o) >= 0
	}],
	"kernels": {n.name: semver.compare(split(n.kernel, "-")[0], "5.15.0") | some n in input.nodes},
}
