package parity.patches

out := {"patch": json.patch(input.o, [{"op": "add", "path": "/added", "value": input.n}]), "filter": json.filter(input.o, ["b/c", "deep/deep"]), "remove": json.remove(input.o, ["b/c/0"])}
