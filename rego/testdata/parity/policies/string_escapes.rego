package parity.string_escapes

out := ["\u00e9\t\"\\", `raw \n`, input.s, json.marshal(input.s) == json.marshal(input.s)]
