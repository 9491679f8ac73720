package parity.times

out := {"date": time.date(input.t), "format": time.format([input.t, "Asia/Kolkata", "RFC3339"]), "weekday": time.weekday(input.t), "parsed": object.get({"x": time.parse_ns("2006-01-02", "2024-02-29")}, "x", 0)}
