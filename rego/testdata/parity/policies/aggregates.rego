package parity.aggregates

out := {"sum": json.marshal(sum([x | some x in input.xs; is_number(x)])), "product": product([x | some x in input.xs; is_number(x); x > 0; x < 10]), "count": count(input.xs)}
