-- The health of a DagSet, for Argo CD (key resource.customizations.health.fermata.dev_DagSet of argocd-cm).
--
-- Progressing, Missing, Unknown and an empty answer let a sync wait for ever, and an error stops every sync of every
-- application that has a DagSet (measured on Argo CD 3.6). So it answers Healthy, Degraded or Suspended, whatever stands
-- in the object. While a sync runs it answers Healthy: hold writes Syncing first of all, so that what is Degraded from
-- the last sync does not fail the one that mends it.
-- There are no libraries but base and table: nothing is matched, cut or looked up in a clock.

local MOST = 5          -- offenders that are named
local LONGEST = 16384   -- bytes of a text; there is no way to cut one

local function text(value)
  if type(value) == "string" and #value > 0 and #value <= LONGEST then
    return value
  end
  return nil
end

local function count(value)
  if type(value) == "number" and value > 0 then
    return value
  end
  return 0
end

local function answer(status, message)
  return {status = status, message = message}
end

local function named(offenders)
  local names = {}
  if type(offenders) == "table" then
    for index = 1, MOST do
      local name = text(offenders[index])
      if name == nil then
        break
      end
      names[index] = name
    end
  end
  return table.concat(names, ", ")
end

-- What is wrong with the DAGs, in a few words; empty if nothing is.
local function wrong(status)
  local dags = type(status.dags) == "table" and status.dags or {}
  local parts = {}
  for _, sort in ipairs({"broken", "missing", "lost"}) do
    local many = count(dags[sort])
    if many > 0 then
      parts[#parts + 1] = tostring(many) .. " " .. sort
    end
  end
  local told = table.concat(parts, ", ")
  local names = named(status.offenders)
  if told ~= "" and names ~= "" then
    return told .. ": " .. names
  end
  return told ~= "" and told or names
end

local function joined(first, second)
  if first ~= "" and second ~= nil then
    return first .. "; " .. second
  end
  return first ~= "" and first or second
end

local function healthy(status)
  local told = text(status.message) or "as git wants it"
  local verified = type(status.verified) == "table" and text(status.verified.at) or nil
  if verified ~= nil then
    return answer("Healthy", told .. " (verified " .. verified .. ")")
  end
  return answer("Healthy", told)
end

-- A sync that brings the mending must pass: these are Healthy whatever the last sync has left.
local function underway(object, status)
  if status.phase == "Syncing" then
    return answer("Healthy", text(status.message) or "syncing")
  end
  if next(status) == nil then
    return answer("Healthy", "no sync has come to its end yet")
  end
  local metadata = type(object.metadata) == "table" and object.metadata or {}
  local now, seen = metadata.generation, status.observedGeneration
  if type(now) == "number" and (type(seen) ~= "number" or seen ~= now) then
    return answer("Healthy", "changed since it was last looked at")
  end
  return nil
end

local function settled(status)
  local message = text(status.message)
  local problem = wrong(status)
  if status.verdict == "fail" then
    return answer("Degraded", joined(problem, message) or "the last sync failed")
  end
  local dags = type(status.dags) == "table" and status.dags or {}
  if count(dags.broken) > 0 or count(dags.missing) > 0 or count(dags.lost) > 0 then
    return answer("Degraded", joined(problem, message))
  end
  if count(dags.held) > 0 then
    return answer("Suspended", joined(tostring(dags.held) .. " held outside a sync", message))
  end
  if status.verdict == "inconclusive" then
    return answer("Degraded", "inconclusive: " .. (message or "not everything could be seen"))
  end
  return healthy(status)
end

local function assess(object)
  if type(object) ~= "table" or object.kind ~= "DagSet" then
    return answer("Healthy", "")
  end
  local status = type(object.status) == "table" and object.status or {}
  return underway(object, status) or settled(status)
end

local worked, result = pcall(assess, obj)
if worked then
  return result
end
-- It can fail only outside a sync: Syncing is asked first.
return answer("Degraded", "health check: " .. tostring(result))
