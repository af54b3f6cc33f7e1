-- The buttons of a DagSet in Argo CD's UI. What is disabled is only shown so: the watch checks every request itself.
local status = type(obj) == "table" and type(obj.status) == "table" and obj.status or {}
local syncing = status.phase == "Syncing"

return {
  ["verify"] = {["disabled"] = syncing},
  ["smoke"] = {["disabled"] = syncing},
  ["release"] = {["disabled"] = false},
}
