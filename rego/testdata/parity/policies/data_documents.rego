package parity.data_documents

out := {"deep": data.corpus.nested.a.b.c, "all": data.corpus.allowed, "key": data.corpus["é"], "none": object.get(data.corpus, "none", input.s)}
