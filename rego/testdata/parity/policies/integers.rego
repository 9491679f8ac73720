package parity.integers

out := {"mod": input.n % 5, "bits": bits.and(input.n, 15), "hex": format_int(input.n % 1000, 16), "shift": json.marshal(bits.lsh(input.n, 3))}
