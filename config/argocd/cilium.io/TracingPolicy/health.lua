-- Health of a Guardbee policy: what its status says of the generation that is there now.
-- One file for all kinds; the others are links to it. See docs/how-to/argo-cd.md.
local conditions = {}
if obj.status ~= nil and obj.status.conditions ~= nil then
  for _, condition in ipairs(obj.status.conditions) do
    conditions[condition.type] = condition
  end
end

local ready = conditions.Ready
if ready == nil or ready.observedGeneration ~= obj.metadata.generation then
  return { status = "Progressing", message = "waiting for the operator" }
end

-- A node that cannot hold it stays so, whatever the nodes say that have yet to report.
if ready.status == "False" then
  return { status = "Degraded", message = ready.message }
end
if ready.status ~= "True" then
  return { status = "Progressing", message = ready.message }
end

-- In force, and its bundle cannot be had: the last good one is what holds.
local refs = conditions.ResolvedRefs
if refs ~= nil and refs.status == "False" then
  return { status = "Degraded", message = refs.message }
end
return { status = "Healthy", message = ready.message }
