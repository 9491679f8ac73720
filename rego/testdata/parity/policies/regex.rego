package parity.regex

out := {"find": regex.find_n("[a-zé]+", input.s, -1), "replace": regex.replace(input.s, "(\\w)(\\w)", "$2$1"), "split": regex.split("[ ,]+", input.s), "match": regex.match("^h.*d$", input.s)}
