package parity.function_defaults

default kind(_) := "other"

kind("hello world") := "greeting"

kind("") := "empty"

kind(s) := "list" if contains(s, ",")

out := kind(input.s)
