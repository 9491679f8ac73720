package parity.strings

out := {
	"upper": upper(input.s),
	"length": count(input.s),
	"split": split(input.s, ","),
	"reverse": strings.reverse(input.s),
	"slice": substring(input.s, 1, 3),
	"trim": trim(input.s, "hd"),
	"index": indexof(input.s, "l"),
}
