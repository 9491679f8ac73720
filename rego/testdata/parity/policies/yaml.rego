package parity.yaml

out := {"text": yaml.marshal(input.o), "back": yaml.unmarshal(yaml.marshal(input.xs))}
