-- Asks the watch to run the smoke DAGs of the plan that was last applied.
local os = require("os")

if type(obj.metadata.annotations) ~= "table" then
  obj.metadata.annotations = {}
end
-- Two presses within a second differ in the object's version.
local id = tostring(os.time()) .. "-" .. tostring(obj.metadata.resourceVersion or "0")
obj.metadata.annotations["fermata.dev/request-smoke"] = id
return obj
