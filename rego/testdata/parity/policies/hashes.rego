package parity.hashes

out := {"sha": crypto.sha256(input.s), "hmac": crypto.hmac.sha256(input.s, "key"), "hex": hex.encode(input.s), "b64": base64url.encode_no_pad(input.s), "query": urlquery.encode(input.s)}
