package parity.metadata

# METADATA
# title: Titled
# custom:
#   severity: high
out := {"title": rego.metadata.rule().title, "severity": rego.metadata.rule().custom.severity, "n": input.n}
