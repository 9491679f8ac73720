package parity.with_data

_paths(ns) := data.corpus.allowed[ns]

out["real"] := _paths("shop")

out["mocked"] := paths if paths := _paths("pay") with data.corpus.allowed as {"pay": [input.s]}
