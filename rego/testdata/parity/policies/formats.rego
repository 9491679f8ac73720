package parity.formats

out := {"v": sprintf("%v|%v|%v", [input.n, input.s, input.xs]), "o": sprintf("%v", [input.o]), "json": json.unmarshal(json.marshal(input.o))}
