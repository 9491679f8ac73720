# METADATA
# description: The one way to say what is wrong, in the shape of the TypeScript Problem.
package guardbee.lib.problem

# METADATA
# description: |
#   A problem at a field path as kubectl writes it. `what` is wrong there, with the value; `fix` says
#   what to do next.
at(field, what, fix) := {"field": field, "what": what, "fix": fix}
